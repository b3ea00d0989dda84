using EveStorage.FileSystems;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>An operation that ended in the middle of a step: the same one does it anew, or takes back its own, and no other does.</summary>
public class CutShortTests
{
    public static TheoryData<string> Kinds { get; } = ["ext4", "xfs"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_half_made_is_made_anew_by_its_operation(string kind)
    {
        using Ground ground = new(kind);
        OperationRequest request = RunningPlans.RequestFor();
        await HalfMakeAsync(ground, request);

        await ground.MakeAsync(request);

        ground.Superblock!.IsWhole.ShouldBeTrue();
        (await ground.IsOpenAsync()).ShouldBeTrue();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_half_made_is_neither_mounted_nor_made_anew_by_another_operation(string kind)
    {
        using Ground ground = new(kind);
        await HalfMakeAsync(ground, RunningPlans.RequestFor());
        string before = ground.Hash();

        StorageException opening = await Should.ThrowAsync<StorageException>(ground.OpenAsync);
        StorageException making = await Should.ThrowAsync<StorageException>(() => ground.MakeAsync());

        opening.Kind.ShouldBe(StorageErrorKind.NotFound);
        making.Kind.ShouldBe(StorageErrorKind.Conflict);
        ground.Hash().ShouldBe(before);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_half_made_is_taken_back_by_its_operation_alone(string kind)
    {
        using Ground ground = new(kind);
        OperationRequest request = RunningPlans.RequestFor();
        await HalfMakeAsync(ground, request);
        Plan plan = await ground.Layer.PlanFormatAsync(ground.Site, default);

        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(RunningPlans.RequestFor()), default);
        Superblock? afterAnother = ground.Superblock;
        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(request), default);

        afterAnother.ShouldNotBeNull();
        ground.Superblock.ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_was_made_and_mounted_before_a_crash_is_still_this_operations_to_undo(string kind)
    {
        using Ground ground = new(kind);
        OperationRequest request = await ground.MakeAsync();
        Plan plan = (await ground.Layer.PlanFormatAsync(ground.Site, default)).Then(await ground.Layer.PlanOpenAsync(ground.Site, default));
        OperationContext context = RunningPlans.ContextOf(request);

        List<StepOutcome> outcomes = [];
        foreach (StorageStep step in plan.Steps)
        {
            outcomes.Add(await step.ApplyAsync(context, default));
        }

        foreach (StorageStep step in plan.Steps.Reverse())
        {
            await step.RevertAsync(context, default);
        }

        outcomes.ShouldBe([StepOutcome.Changed, StepOutcome.Changed]);
        MountTable.FindAt(ground.Point).ShouldBeNull();
        ground.Superblock.ShouldBeNull();
    }

    [Fact]
    public async Task A_program_that_outlived_its_host_is_waited_for()
    {
        using Ground ground = new("ext4");
        LoopDevice left = LoopDevice.Attach(ground.Image, "left");
        Task<OperationRequest> making = ground.MakeAsync();

        await Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken);
        bool waits = !making.IsCompleted;
        left.Dispose();
        await making;

        waits.ShouldBeTrue();
        ground.Superblock!.IsWhole.ShouldBeTrue();
    }

    private static async Task HalfMakeAsync(Ground ground, OperationRequest request)
    {
        using LoopDevice loop = LoopDevice.Attach(ground.Image, "half");
        await ground.Format.MakeAsync(loop.Path, Superblock.UuidOf(request.Id, ground.Site.Name), Superblock.Unfinished, keepsSpace: false, default);
    }
}
