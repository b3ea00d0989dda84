using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class StepTests
{
    [Fact]
    public async Task Exporting_the_same_again_is_already_so_but_for_the_operation_that_did_it()
    {
        await using TestTarget target = new();
        ExportSpec spec = TestTarget.Spec();
        OperationContext first = TestTarget.Operation();
        VolumeAccess access = TestTarget.Access(new MemoryBlocks(1 << 20));

        StorageStep step = (await target.Transport.PlanExportAsync(spec, access, CancellationToken.None)).Steps.Single();
        step.Expected.ShouldBe(StepEffect.Change);
        (await step.ApplyAsync(first, CancellationToken.None)).ShouldBe(StepOutcome.Changed);

        StorageStep again = (await target.Transport.PlanExportAsync(spec, access, CancellationToken.None)).Steps.Single();
        again.Expected.ShouldBe(StepEffect.AlreadySo);
        (await again.ApplyAsync(first, CancellationToken.None)).ShouldBe(StepOutcome.Changed);
        (await again.ApplyAsync(TestTarget.Operation(), CancellationToken.None)).ShouldBe(StepOutcome.AlreadySo);
    }

    [Fact]
    public async Task Reverting_takes_back_what_its_operation_did_and_leaves_what_another_did()
    {
        await using TestTarget target = new();
        ExportSpec spec = TestTarget.Spec();
        VolumeAccess access = TestTarget.Access(new MemoryBlocks(1 << 20));
        OperationContext first = TestTarget.Operation();
        StorageStep export = (await target.Transport.PlanExportAsync(spec, access, CancellationToken.None)).Steps.Single();
        await export.ApplyAsync(first, CancellationToken.None);

        await export.RevertAsync(TestTarget.Operation(), CancellationToken.None);
        (await target.ListAsync()).Length.ShouldBe(1);

        OperationContext second = TestTarget.Operation();
        ExportSpec other = TestTarget.Spec(1, TestTarget.OtherHost);
        StorageStep change = (await target.Transport.PlanExportAsync(other, access, CancellationToken.None)).Steps.Single();
        await change.ApplyAsync(second, CancellationToken.None);
        (await target.ListAsync()).Single().AllowedHosts.ShouldBe([TestTarget.OtherHost]);
        await change.RevertAsync(second, CancellationToken.None);
        (await target.ListAsync()).Single().AllowedHosts.ShouldBe([TestTarget.Host]);

        await export.RevertAsync(first, CancellationToken.None);
        (await target.ListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_step_that_failed_to_open_leaves_nothing_and_is_reverted_without_harm()
    {
        await using TestTarget target = new();
        VolumeAccess broken = new() { OpenBlocksAsync = (_, _) => throw new StorageException(StorageErrorKind.Io, "disk", "broke") };
        StorageStep export = (await target.Transport.PlanExportAsync(TestTarget.Spec(), broken, CancellationToken.None)).Steps.Single();
        OperationContext operation = TestTarget.Operation();

        await Should.ThrowAsync<StorageException>(async () => await export.ApplyAsync(operation, CancellationToken.None));
        await export.RevertAsync(operation, CancellationToken.None);

        (await target.ListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Ending_an_export_is_idempotent_and_reverting_brings_it_back()
    {
        await using TestTarget target = new();
        ExportSpec spec = TestTarget.Spec();
        await target.ExportAsync(spec, new MemoryBlocks(1 << 20));
        StorageStep end = (await target.Transport.PlanUnexportAsync(spec.VolumeId, CancellationToken.None)).Steps.Single();
        OperationContext operation = TestTarget.Operation();

        (await end.ApplyAsync(operation, CancellationToken.None)).ShouldBe(StepOutcome.Changed);
        (await target.UnexportAsync(spec)).ShouldBe(StepOutcome.AlreadySo);
        (await target.ListAsync()).ShouldBeEmpty();

        await end.RevertAsync(operation, CancellationToken.None);
        (await target.ListAsync()).Single().VolumeId.ShouldBe(spec.VolumeId);
    }

    [Fact]
    public async Task A_volume_that_grew_is_announced_and_reverting_announces_the_old_size()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        ExportSpec spec = TestTarget.Spec();
        await target.ExportAsync(spec, blocks);
        StorageStep announce = (await target.Transport.PlanResizeAsync(spec.VolumeId, CancellationToken.None)).Steps.Single();
        OperationContext operation = TestTarget.Operation();
        ServedVolume served = target.Target.Exports.Find(spec.VolumeId)!.Volume;

        blocks.Grow(2 << 20);
        served.Blocks.ShouldBe(2048);
        (await announce.ApplyAsync(operation, CancellationToken.None)).ShouldBe(StepOutcome.Changed);
        served.Blocks.ShouldBe(4096);
        await announce.RevertAsync(operation, CancellationToken.None);
        served.Blocks.ShouldBe(2048);
    }

    [Fact]
    public async Task What_it_can_not_serve_is_refused_while_planning()
    {
        await using TestTarget target = new();
        VolumeAccess access = TestTarget.Access(new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        ExportSpec other = TestTarget.Spec() with { VolumeId = Guid.NewGuid() };

        await ShouldRefuseAsync(StorageErrorKind.Conflict, other, access);
        await ShouldRefuseAsync(StorageErrorKind.NotSupported, other with { NamespaceId = 2 }, new() { Path = "/dev/sda" });
        await ShouldRefuseAsync(StorageErrorKind.InvalidConfiguration, other with { NamespaceId = 0 }, access);
        await ShouldRefuseAsync(StorageErrorKind.InvalidConfiguration, other with { NamespaceId = 1025 }, access);
        await ShouldRefuseAsync(StorageErrorKind.Conflict, other with { Subsystem = new("nqn.2014-08.org.nvmexpress.discovery") }, access);
        await ShouldRefuseAsync(StorageErrorKind.InvalidConfiguration, other with { Subsystem = new("nqn.2026-01.org.evestorage:other"), AllowedHosts = [new(TestTarget.Host, new("key1"))] }, access);

        async Task ShouldRefuseAsync(StorageErrorKind kind, ExportSpec spec, VolumeAccess blocks)
            => (await Should.ThrowAsync<StorageException>(async () => await target.Transport.PlanExportAsync(spec, blocks, CancellationToken.None))).Kind.ShouldBe(kind);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_busy_and_nothing_listens_before_the_first_export()
    {
        await using TestTarget first = new();
        first.Target.Address.ShouldBeNull();
        await first.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using TestTarget second = new(o => o.Port = first.Target.Address!.Port);

        StorageException e = await Should.ThrowAsync<StorageException>(() => second.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20)));

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        (await first.ListAsync()).Single().Address.ShouldBe(new($"tcp://127.0.0.1:{first.Target.Address!.Port}"));
    }
}
