using EveStorage.FileBacked;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Snapshots while somebody writes, with shared blocks and without.</summary>
public sealed class SnapshotTests(Btrfs btrfs, Xfs xfs) : IClassFixture<Btrfs>, IClassFixture<Xfs>
{
    private static readonly SnapshotName s_snapshot = new(new("vm42"), "before");

    public static TheoryData<string> Sharing => ["btrfs", "xfs"];

    [Theory]
    [MemberData(nameof(Sharing))]
    public async Task With_shared_blocks_a_snapshot_of_what_is_being_written_sees_whole_writes_only(string kind)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Place(kind));
        await made.CreateAsync("vm42", ByteSize.MiB(64));
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        await using Writer writer = new(value => WriteAsync(blocks, value, 256 << 10));

        for (int i = 0; i < 5; i++)
        {
            await writer.WriteMoreAsync();
            SnapshotName snapshot = new(new("vm42"), $"s{i}");
            await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([snapshot], default), $"{snapshot}");
        }

        await writer.WriteMoreAsync();
        await writer.StopAsync();
        HashSet<byte> seen = [];
        for (int i = 0; i < 5; i++)
        {
            await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(new(new("vm42"), $"s{i}"), new($"c{i}"), default), $"c{i}");
            await using IBlockSource clone = await made.BlocksAsync($"c{i}", BlockAccess.Read);
            byte[] read = new byte[256 << 10];
            await clone.ReadAsync(0, read, default);
            read.ShouldAllBe(value => value == read[0], "one write is seen whole");
            seen.Add(read[0]);
        }

        seen.Count.ShouldBeGreaterThan(1, "the volume was written between the snapshots");
    }

    [Theory]
    [MemberData(nameof(Sharing))]
    public async Task With_shared_blocks_a_snapshot_and_a_clone_take_no_space_on_the_disk(string kind)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Place(kind));
        await made.CreateAsync("vm42", ByteSize.MiB(64));
        await made.WriteAsync("vm42", 0, 7, 64 << 20);
        await Command.Find("sync")!.RunAsync(["--file-system", made.Path], default);
        ByteSize before = FileSystem.Of(made.Path).Free;

        await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([s_snapshot], default), $"{s_snapshot}");
        await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(s_snapshot, new("clone"), default), "clone");
        await Command.Find("sync")!.RunAsync(["--file-system", made.Path], default);

        (before.Bytes - FileSystem.Of(made.Path).Free.Bytes).ShouldBeLessThan(8 << 20);
        (await made.ReadAsync("clone", 32 << 20)).ShouldBe((byte)7);
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
        await using Writer writer = new(async value =>
        {
            await WriteAsync(a, value, 4096);
            await WriteAsync(b, value, 4096);
        });

        for (int i = 0; i < 5; i++)
        {
            await writer.WriteMoreAsync();
            SnapshotName ofA = new(new("a"), $"s{i}");
            SnapshotName ofB = new(new("b"), $"s{i}");
            await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([ofA, ofB], default), $"{ofA}", $"{ofB}");
            await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(ofA, new($"a{i}"), default), $"a{i}");
            await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(ofB, new($"b{i}"), default), $"b{i}");
        }

        await writer.StopAsync();
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

        async Task TakeAsync() => await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([s_snapshot], default), $"{s_snapshot}");
    }

    [Fact]
    public async Task A_volume_that_is_paused_for_a_snapshot_stays_open_when_its_last_user_leaves()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        OperationRequest request = await made.CreateAsync("vm42");
        IBlockSource blocks = await made.BlocksAsync("vm42");

        using (PausedImage paused = made.Pool.Images.Pause(request.Ids["vm42"])!)
        {
            await blocks.DisposeAsync();
            await Should.ThrowAsync<StorageException>(DeleteAsync);
        }

        made.Pool.Images.Find(request.Ids["vm42"]).ShouldBeNull();
        await DeleteAsync();

        async Task DeleteAsync() => await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("vm42"), default));
    }

    [Fact]
    public async Task A_volume_that_lost_a_write_is_not_frozen_as_if_it_were_whole()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync("/dev/shm");
        await made.CreateAsync("vm42");
        made.Pool.Images.Sync = _ => throw new StorageException(StorageErrorKind.Io, "disk", "failed");
        await using (IBlockSource blocks = await made.BlocksAsync("vm42"))
        {
            await Should.ThrowAsync<StorageException>(async () => await blocks.FlushAsync(default));
        }

        StorageException e = await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([s_snapshot], default), $"{s_snapshot}"));

        e.Kind.ShouldBe(StorageErrorKind.NeedsAttention);
        (await made.Pool.ListSnapshotsAsync(new("vm42"), default).CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Part_of_a_group_that_a_crash_left_is_taken_anew_with_the_rest()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        SnapshotName ofA = new(new("a"), "s");
        SnapshotName ofB = new(new("b"), "s");
        OperationRequest request = RunningPlans.RequestFor($"{ofA}", $"{ofB}");
        Plan both = await made.Pool.PlanSnapshotAsync([ofA, ofB], default);
        await RunningPlans.RunAsync(await made.Pool.PlanSnapshotAsync([ofA], default), request, default);
        await made.WriteAsync("a", 0, 8);

        (await RunningPlans.RunAsync(both, request, default)).Count.ShouldBe(1);

        await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(ofA, new("c"), default), "c");
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
        string property = await Command.Find("btrfs")!.RunAsync(["property", "get", volume.Path, "compression"], default);
        property.ShouldContain("zstd");

        await using PoolOnDisk other = await PoolOnDisk.MakeAsync();
        (await Should.ThrowAsync<StorageException>(() => other.CreateAsync("vm42", traits: VolumeTraits.Compressed))).Kind.ShouldBe(StorageErrorKind.NotSupported);
    }

    private string Place(string kind) => Needed.Require(kind == "btrfs" ? btrfs : xfs);

    private static async Task WriteAsync(IBlockSource blocks, byte value, int length)
        => await blocks.WriteAsync(0, Enumerable.Repeat(value, length).ToArray(), WriteDurability.Cached, default);

    /// <summary>Writes one value after the other, from 1 on and around, until it is stopped.</summary>
    private sealed class Writer : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _writing;
        private int _rounds;

        internal Writer(Func<byte, Task> write)
        {
            _writing = Task.Factory.StartNew(() => RunAsync(write), TaskCreationOptions.LongRunning).Unwrap();
        }

        /// <summary>Waits until three more rounds are done: the writer runs, and what it writes changes.</summary>
        internal async Task WriteMoreAsync()
        {
            for (int until = Volatile.Read(ref _rounds) + 3; Volatile.Read(ref _rounds) < until && !_writing.IsCompleted;)
            {
                await Task.Delay(1);
            }

            if (_writing.IsCompleted)
            {
                await _writing;   // tells why it ended
            }
        }

        internal async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _writing;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _writing.ContinueWith(_ => { }, TaskScheduler.Default);
            _stop.Dispose();
        }

        private async Task RunAsync(Func<byte, Task> write)
        {
            for (byte value = 1; !_stop.IsCancellationRequested; value++)
            {
                await write(value);
                Interlocked.Increment(ref _rounds);
            }
        }
    }
}
