using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class DurabilityTests
{
    private static readonly StorageException s_failed = new(StorageErrorKind.Io, "disk", "broke");

    [Fact]
    public async Task Flushes_that_wait_share_the_next_sync_and_not_the_running_one()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        Task[] flushes = [.. Enumerable.Range(0, 20).Select(_ => initiator.FlushAsync(1, CancellationToken.None).AsTask())];
        JoinedFlush joined = target.Target.Exports.Find(TestTarget.Spec().VolumeId)!.Volume.Flushes;
        await TestTarget.UntilAsync(() => joined.Joined == 20, "not all have joined");
        blocks.Gate.SetResult();
        await Task.WhenAll(flushes);

        blocks.Flushes.ShouldBe(2);
    }

    [Fact]
    public async Task A_write_with_force_unit_access_is_stable_and_others_are_not()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        await initiator.WriteAsync(1, 0, new byte[4096], WriteDurability.Cached, CancellationToken.None);
        blocks.StableWrites.ShouldBe(0);
        await initiator.WriteAsync(1, 0, new byte[4096], WriteDurability.Stable, CancellationToken.None);
        await initiator.WriteAsync(1, 0, new byte[64 << 10], WriteDurability.Stable, CancellationToken.None);

        blocks.StableWrites.ShouldBe(2);
        initiator.Controller.WriteCache.ShouldBe((byte)5);
    }

    [Fact]
    public async Task After_one_failed_sync_the_namespace_is_read_only_for_good_and_everyone_is_told()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { FlushFailure = s_failed };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        (await Flush()).Status.Is(NvmeStatus.WriteFault).ShouldBeTrue();
        blocks.FlushFailure = null;
        (await Flush()).Status.Is(NvmeStatus.WriteFault).ShouldBeTrue();

        NvmeCommandException refused = await Should.ThrowAsync<NvmeCommandException>(
            async () => await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None));
        refused.Status.ShouldBe(NvmeStatus.WriteProtected);
        await initiator.ReadAsync(1, 0, new byte[512], CancellationToken.None);
        (await initiator.Events.ReadAsync()).ShouldBe(AsyncEvent.NamespacesChanged);
        (await initiator.IdentifyNamespaceAsync(1, CancellationToken.None)).ReadOnly.ShouldBeTrue();
        target.Told.ShouldContain(e => e.Id == "volume.sync-failed" && e.Severity == EventSeverity.Critical && e.Subject == "data/vm1");
        (await target.ListAsync()).Single().ReadOnly.ShouldBeTrue();

        ValueTask<CompletionEntry> Flush()
            => initiator.SubmitAsync(0, new() { Opcode = (byte)IoOpcode.Flush, NamespaceId = 1 }, default, default, CancellationToken.None);
    }

    [Fact]
    public async Task A_bad_sector_under_a_read_with_force_unit_access_fails_that_read_and_nothing_else()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { ReadFailure = s_failed, Cached = false };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        NvmeCommand stable = NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 1, forceUnitAccess: true);

        CompletionEntry end = await initiator.SubmitAsync(0, stable, new byte[512], default, CancellationToken.None);

        end.Status.ShouldBe(NvmeStatus.UnrecoveredRead);
        await ShouldTakeWritesAsync(initiator);
    }

    [Fact]
    public async Task Zeros_that_could_not_be_written_lose_nothing_that_was_written_before()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { ZeroFailure = s_failed };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        NvmeCommand stable = NvmeCommand.Blocks(IoOpcode.WriteZeroes, 1, 0, 8, forceUnitAccess: true);

        CompletionEntry end = await initiator.SubmitAsync(0, stable, default, default, CancellationToken.None);

        end.Status.ShouldBe(NvmeStatus.WriteFault);
        await ShouldTakeWritesAsync(initiator);
    }

    [Theory]
    [InlineData(StorageErrorKind.Io, false, true)]
    [InlineData(StorageErrorKind.Unavailable, false, true)]
    [InlineData(StorageErrorKind.OutOfSpace, false, false)]
    [InlineData(StorageErrorKind.OutOfSpace, true, true)]
    public async Task A_stable_write_that_fails_makes_read_only_unless_there_was_only_no_room_for_it(StorageErrorKind kind, bool syncFails, bool readOnly)
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { WriteFailure = new(kind, "disk", "no"), FlushFailure = syncFails ? s_failed : null };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        NvmeCommandException e = await Should.ThrowAsync<NvmeCommandException>(
            async () => await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Stable, CancellationToken.None));

        e.Status.Is(readOnly ? NvmeStatus.WriteFault : NvmeStatus.CapacityExceeded).ShouldBeTrue($"{e.Status}");
        (await initiator.IdentifyNamespaceAsync(1, CancellationToken.None)).ReadOnly.ShouldBe(readOnly);
    }

    [Fact]
    public async Task Whatever_a_sync_throws_everyone_who_waits_for_it_is_told()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new OutOfMemoryBlocks());
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        NvmeCommandException e = await Should.ThrowAsync<NvmeCommandException>(async () => await initiator.FlushAsync(1, CancellationToken.None));

        e.Status.Is(NvmeStatus.WriteFault).ShouldBeTrue();
    }

    [Fact]
    public async Task A_read_only_export_refuses_all_that_changes_and_is_opened_for_reading_only()
    {
        await using TestTarget target = new();
        BlockAccess? opened = null;
        VolumeAccess access = new()
        {
            OpenBlocksAsync = (how, _) =>
            {
                opened = how;
                return new(new MemoryBlocks(1 << 20));
            },
        };
        Plan plan = await target.Transport.PlanExportAsync(TestTarget.Spec() with { ReadOnly = true }, access, CancellationToken.None);
        await plan.Steps.Single().ApplyAsync(TestTarget.Operation(), CancellationToken.None);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        foreach (Func<ValueTask> change in (Func<ValueTask>[])[
            () => initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None),
            () => initiator.WriteAsync(1, 0, new byte[65536], WriteDurability.Stable, CancellationToken.None),
            () => initiator.WriteZeroesAsync(1, 0, 512, CancellationToken.None),
            () => initiator.DiscardAsync(1, 0, 512, CancellationToken.None)])
        {
            (await Should.ThrowAsync<NvmeCommandException>(async () => await change())).Status.ShouldBe(NvmeStatus.WriteProtected);
        }

        opened.ShouldBe(BlockAccess.Read);
        await initiator.FlushAsync(1, CancellationToken.None);
        (await initiator.IdentifyNamespaceAsync(1, CancellationToken.None)).ReadOnly.ShouldBeTrue();
    }

    [Theory]
    [InlineData(StorageErrorKind.OutOfSpace, 0x81)]
    [InlineData(StorageErrorKind.Io, 0x280)]
    [InlineData(StorageErrorKind.Busy, 0x06)]
    public async Task A_write_that_fails_says_how_and_the_next_one_may_succeed(StorageErrorKind kind, int status)
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { WriteFailure = new(kind, "disk", "no") };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        NvmeCommandException e = await Should.ThrowAsync<NvmeCommandException>(
            async () => await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None));
        blocks.WriteFailure = null;
        await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None);

        e.Status.Is(new((ushort)status)).ShouldBeTrue();
    }

    private static async Task ShouldTakeWritesAsync(NvmeTcpInitiator initiator)
    {
        (await initiator.IdentifyNamespaceAsync(1, CancellationToken.None)).ReadOnly.ShouldBeFalse();
        await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Stable, CancellationToken.None);
    }
}
