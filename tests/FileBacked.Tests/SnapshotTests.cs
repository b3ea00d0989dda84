using EveStorage.FileBacked;

namespace EveStorage.Tests;

/// <summary>Snapshots while somebody writes, with shared blocks and without.</summary>
public sealed class SnapshotTests(Btrfs btrfs, Xfs xfs) : IClassFixture<Btrfs>, IClassFixture<Xfs>
{
    private static readonly SnapshotName s_snapshot = new(new("vm42"), "before");

    public static TheoryData<string> Sharing => ["btrfs", "xfs"];

    [Theory]
    [MemberData(nameof(Sharing))]
    public async Task With_shared_blocks_a_snapshot_takes_no_space_and_sees_whole_writes_only(string kind)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Place(kind));
        await made.CreateAsync("vm42", ByteSize.MiB(64));
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        using CancellationTokenSource stop = new();
        Task writer = Task.Factory.StartNew(() => WriteRoundsAsync(blocks, stop.Token), TaskCreationOptions.LongRunning).Unwrap();

        for (int i = 0; i < 5; i++)
        {
            await Task.Delay(20);
            SnapshotName snapshot = new(new("vm42"), $"s{i}");
            await Run.Async(made.Pool.PlanSnapshotAsync([snapshot], default), $"{snapshot}");
        }

        await stop.CancelAsync();
        await writer;
        for (int i = 0; i < 5; i++)
        {
            await Run.Async(made.Pool.PlanCloneAsync(new(new("vm42"), $"s{i}"), new($"c{i}"), default), $"c{i}");
            await using IBlockSource clone = await made.BlocksAsync($"c{i}", BlockAccess.Read);
            byte[] read = new byte[256 << 10];
            await clone.ReadAsync(0, read, default);
            read.ShouldAllBe(value => value == read[0], "one write is seen whole");
        }
    }

    [Theory]
    [MemberData(nameof(Sharing))]
    public async Task Volumes_are_frozen_at_one_moment_while_they_are_written_in_turn(string kind)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Place(kind));
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        await using IBlockSource a = await made.BlocksAsync("a");
        await using IBlockSource b = await made.BlocksAsync("b");
        using CancellationTokenSource stop = new();
        Task writer = Task.Factory.StartNew(() => WriteInTurnAsync(a, b, stop.Token), TaskCreationOptions.LongRunning).Unwrap();

        for (int i = 0; i < 5; i++)
        {
            await Task.Delay(20);
            SnapshotName ofA = new(new("a"), $"s{i}");
            SnapshotName ofB = new(new("b"), $"s{i}");
            await Run.Async(made.Pool.PlanSnapshotAsync([ofA, ofB], default), $"{ofA}", $"{ofB}");
            await Run.Async(made.Pool.PlanCloneAsync(ofA, new($"a{i}"), default), $"a{i}");
            await Run.Async(made.Pool.PlanCloneAsync(ofB, new($"b{i}"), default), $"b{i}");
        }

        await stop.CancelAsync();
        await writer;
        for (int i = 0; i < 5; i++)
        {
            // a is written first: b may be one behind it, and never ahead.
            byte first = await made.ReadAsync($"a{i}", 0);
            byte second = await made.ReadAsync($"b{i}", 0);
            ((byte)(first - second)).ShouldBeInRange((byte)0, (byte)1);
        }
    }

    [Fact]
    public async Task Without_shared_blocks_a_snapshot_of_a_volume_that_is_written_is_refused_as_busy()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync("/dev/shm");
        made.Pool.Capabilities.SnapshotsCopy.ShouldBeTrue();
        await made.CreateAsync("vm42");
        await made.WriteAsync("vm42", 0, 5);
        await using FilePool other = await made.OpenAsync();

        foreach (FilePool opener in (FilePool[])[made.Pool, other])
        {
            await using IBlockSource blocks = await opener.OpenBlocksAsync(new("vm42"), BlockAccess.ReadWrite, default);
            (await Should.ThrowAsync<StorageException>(TakeAsync)).Kind.ShouldBe(StorageErrorKind.Busy);
        }

        await using IBlockSource reader = await other.OpenBlocksAsync(new("vm42"), BlockAccess.Read, default);
        await TakeAsync();
        (await made.Pool.ListSnapshotsAsync(new("vm42"), default).CountAsync()).ShouldBe(1);

        async Task TakeAsync() => await Run.Async(made.Pool.PlanSnapshotAsync([s_snapshot], default), $"{s_snapshot}");
    }

    [Fact]
    public async Task Part_of_a_group_that_a_crash_left_is_taken_anew_with_the_rest()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        SnapshotName ofA = new(new("a"), "s");
        SnapshotName ofB = new(new("b"), "s");
        OperationRequest request = Run.Request($"{ofA}", $"{ofB}");
        Plan both = await made.Pool.PlanSnapshotAsync([ofA, ofB], default);
        await Run.AsHostAsync(await made.Pool.PlanSnapshotAsync([ofA], default), request, default);
        await made.WriteAsync("a", 0, 8);

        (await Run.AsHostAsync(both, request, default)).Count.ShouldBe(1);

        await Run.Async(made.Pool.PlanCloneAsync(ofA, new("c"), default), "c");
        (await made.ReadAsync("c", 0)).ShouldBe((byte)8);
    }

    [Fact]
    public async Task On_btrfs_a_volume_is_compressed_when_it_is_asked_for_and_elsewhere_that_is_refused()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Needed.Require(btrfs));
        await made.CreateAsync("vm42", traits: VolumeTraits.Thin | VolumeTraits.Compressed);
        await made.WriteAsync("vm42", 0, 1, 8 << 20);

        VolumeInfo volume = (await made.Pool.FindVolumeAsync(new("vm42"), default))!;
        volume.Traits.HasFlag(VolumeTraits.Compressed).ShouldBeTrue();
        (await made.ReadAsync("vm42", 1 << 20)).ShouldBe((byte)1);
        string property = await Linux.Command.Find("btrfs")!.RunAsync(["property", "get", volume.Path, "compression"], default);
        property.ShouldContain("zstd");

        await using PoolOnDisk other = await PoolOnDisk.MakeAsync();
        (await Should.ThrowAsync<StorageException>(() => other.CreateAsync("vm42", traits: VolumeTraits.Compressed))).Kind.ShouldBe(StorageErrorKind.NotSupported);
    }

    private string Place(string kind) => Needed.Require(kind == "btrfs" ? btrfs : xfs);

    private static async Task WriteRoundsAsync(IBlockSource blocks, CancellationToken stop)
    {
        byte[] large = new byte[256 << 10];
        for (byte value = 1; !stop.IsCancellationRequested; value++)
        {
            Array.Fill(large, value);
            await blocks.WriteAsync(0, large, WriteDurability.Cached, default);
        }
    }

    private static async Task WriteInTurnAsync(IBlockSource a, IBlockSource b, CancellationToken stop)
    {
        byte[] page = new byte[4096];
        for (byte value = 1; !stop.IsCancellationRequested; value++)
        {
            Array.Fill(page, value);
            await a.WriteAsync(0, page, WriteDurability.Cached, default);
            await b.WriteAsync(0, page, WriteDurability.Cached, default);
        }
    }
}
