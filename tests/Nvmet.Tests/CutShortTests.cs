using EveStorage.Linux;
using EveStorage.Nvmet;
using EveStorage.NvmetLoop;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>Exports whose end, or change, a crash cut short. The steps are gone with it, and what is left is in the tree and in its notes.</summary>
public sealed class CutShortTests
{
    private const int OurPort = 58624;

    private static readonly HostNqn s_other = new("nqn.2014-08.org.example:other");
    private static readonly Nqn s_elsewhere = new($"{Nqn.OwnPrefix}vm2");

    [Fact]
    public async Task Whichever_step_of_an_end_a_crash_comes_before_the_next_end_leaves_nothing()
    {
        int steps = (await EndCutBeforeAsync(0)).Steps;
        steps.ShouldBe(7);   // the note, the namespace, the port's link, the subsystem, the port, the host, and the note again
        for (int cut = 0; cut <= steps; cut++)
        {
            (await EndCutBeforeAsync(cut)).Left.ShouldBeEmpty($"cut before step {cut}");
        }
    }

    [Fact]
    public async Task Whichever_step_of_a_change_of_hosts_a_crash_comes_before_the_next_one_forgets_the_host_that_is_not_named()
    {
        for (int cut = 0; cut <= 4; cut++)
        {
            using FakeTree tree = Exported();
            ExportSpec nobody = FakeTree.Spec with { AllowedHosts = [] };
            await RunAsync((await PlanAsync(tree, nobody)).Steps.Where(step => step.Expected == StepEffect.Change).Take(cut));

            await RunAsync((await PlanAsync(tree, nobody)).Steps);

            Configfs.Objects($"{tree.Root}/hosts").ShouldBeEmpty($"cut before step {cut}");
            Configfs.Names(tree.Marks).ShouldBeEmpty($"cut before step {cut}");
            (await PlanAsync(tree, nobody)).Steps.ShouldAllBe(step => step.Expected == StepEffect.AlreadySo);
        }
    }

    [Fact]
    public async Task A_move_to_another_subsystem_that_was_cut_short_goes_on_with_removing_the_one_before()
    {
        using FakeTree tree = Exported();
        ExportSpec moved = FakeTree.Spec with { Subsystem = s_elsewhere };
        await RunAsync((await PlanAsync(tree, moved)).Steps.Take(3));   // until the namespace has gone
        tree.Exports().Find(FakeTree.Spec.VolumeId).ShouldBeNull();

        Plan again = await PlanAsync(tree, moved);

        again.Steps.ShouldContain(step => step.Title.Contains($"remove subsystem {FakeTree.Subsystem}"));
        await RunAsync(again.Steps.TakeWhile(step => !step.Title.Contains("make subsystem")));
        tree.Objects().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_host_that_is_not_named_loses_a_subsystem_before_a_volume_comes_into_it()
    {
        using FakeTree tree = Exported();
        tree.Remove($"{tree.Root}/subsystems/{FakeTree.Subsystem}/namespaces/1");

        List<string> titles = [.. (await PlanAsync(tree, FakeTree.Spec with { AllowedHosts = [new(s_other, Key: null)] })).Steps.Select(step => step.Title)];

        int disallowed = titles.FindIndex(title => title == $"nvmet: let {FakeTree.Host} use {FakeTree.Subsystem} no more");
        disallowed.ShouldBeInRange(0, titles.FindIndex(title => title.Contains("serve data/vm1")));
    }

    [Fact]
    public async Task A_subsystem_whose_volume_somebody_took_out_by_hand_goes_with_its_export_and_that_of_another_volume_stays()
    {
        using FakeTree tree = Exported();
        tree.AddExport(s_elsewhere, Guid.NewGuid(), OurPort);
        foreach (Nqn subsystem in (Nqn[])[FakeTree.Subsystem, s_elsewhere])
        {
            tree.Remove($"{tree.Root}/subsystems/{subsystem}/namespaces/1");
        }

        await RunAsync(tree.Exports().PlanUnexport(FakeTree.Spec.VolumeId).Steps);

        tree.Exports().Tree.OwnSubsystems.ShouldBe([s_elsewhere]);
        Configfs.Objects($"{tree.Root}/hosts").ShouldBe([$"{FakeTree.Host}"]);
    }

    [Fact]
    public async Task A_connection_of_nvmet_loop_that_a_crash_left_is_ended_before_its_subsystem_is()
    {
        using FakeTree tree = new();
        Nqn inKernel = LoopSubsystem.InKernel(FakeTree.Subsystem);
        tree.AddLoopPort(OurPort);
        tree.AddExport(inKernel, FakeTree.Spec.VolumeId, OurPort);
        tree.Remove($"{tree.Root}/subsystems/{inKernel}/namespaces/1");
        NvmetLoopTransport transport = new(new() { Marks = tree.Marks }, tree.Root);

        string[] titles = [.. (await transport.PlanUnexportAsync(FakeTree.Spec.VolumeId, CancellationToken.None)).Steps.Select(step => step.Title)];

        titles.Skip(1).SkipLast(2).ShouldBe(
        [
            $"nvmet-loop: disconnect from {inKernel} unless it has volumes",
            $"nvmet: serve {inKernel} at loop evestorage no more",
            $"nvmet: remove subsystem {inKernel} unless it has volumes",
            $"nvmet: remove port {OurPort} unless it serves something",
        ]);
    }

    [Fact]
    public async Task An_end_that_fails_gives_back_what_it_took_and_keeps_no_note()
    {
        using FakeTree tree = Exported();
        string[] before = tree.Objects();
        Plan plan = tree.Exports().PlanUnexport(FakeTree.Spec.VolumeId);

        await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(new([plan.Steps[0], new FailingStep()]), new() { Id = Guid.NewGuid() }, CancellationToken.None));

        tree.Objects().ShouldBe(before);
    }

    private static FakeTree Exported()
    {
        FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddHost("DHHC-1:00:before:");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);
        return tree;
    }

    private static Task<Plan> PlanAsync(FakeTree tree, ExportSpec spec) => tree.Exports().PlanExportAsync(spec, "/dev/pool/vm1", CancellationToken.None);

    private static async Task<(int Steps, string[] Left)> EndCutBeforeAsync(int cut)
    {
        using FakeTree tree = Exported();
        IReadOnlyList<StorageStep> steps = tree.Exports().PlanUnexport(FakeTree.Spec.VolumeId).Steps;
        await RunAsync(steps.Take(cut));
        await RunAsync(tree.Exports().PlanUnexport(FakeTree.Spec.VolumeId).Steps);
        return (steps.Count, tree.Objects());
    }

    private static async Task RunAsync(IEnumerable<StorageStep> steps)
    {
        OperationContext context = new(new() { Id = Guid.NewGuid() }, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
        foreach (StorageStep step in steps)
        {
            await step.ApplyAsync(context, CancellationToken.None);
        }
    }

    private sealed class FailingStep : StorageStep
    {
        public override string Title => "fail";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => throw new StorageException(StorageErrorKind.Io, "test", "fails");

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => default;
    }
}
