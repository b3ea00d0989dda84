using EveStorage.FileBacked;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Volumes that were given all their space, on file systems whose copies share blocks, when that file system is full.</summary>
public sealed class RoomTests(Btrfs btrfs, Xfs xfs) : IClassFixture<Btrfs>, IClassFixture<Xfs>
{
    private const int Length = 8 << 20;
    private static readonly SnapshotName s_snapshot = new(new("thick"), "before");

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_written_anew_whole(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        FillDisk(made);

        await WriteAllAsync(made, 2);

        (await made.ReadAsync("thick", Length - 512)).ShouldBe((byte)2);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_written_anew_whole_beside_its_snapshots_which_keep_what_it_was(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        await SnapshotAsync(made, new(new("thick"), "later"));
        FillDisk(made);

        await WriteAllAsync(made, 2);

        (await made.ReadAsync("thick", 0)).ShouldBe((byte)2);
        File.ReadAllBytes(Path.Combine(made.Path, "volumes/thick/snapshots/before/image")).AsSpan().ContainsAnyExcept((byte)1).ShouldBeFalse();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task One_that_layers_lie_on_is_not_frozen_since_they_write_past_what_is_kept(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        VolumeRecord record = (await made.Pool.Records.FindAsync(s_snapshot.Volume, default)).ShouldNotBeNull();
        await made.Pool.Records.ReplaceAsync(s_snapshot.Volume, record with { Layers = [new() { Kind = "ext4" }] }, default);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => made.Pool.PlanSnapshotAsync([s_snapshot], default).AsTask());

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        refused.Message.ShouldContain("make it without --reserved");
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_zeroed_written_stably_and_discarded_beside_its_snapshot_and_loses_no_room_by_it(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        FillDisk(made);

        await using IBlockSource blocks = await made.BlocksAsync("thick");
        await blocks.WriteZeroesAsync(0, Length / 2, default);
        await blocks.WriteAsync(Length / 2, new byte[2 << 20], WriteDurability.Stable, default);
        await blocks.DiscardAsync(0, Length, default);
        await blocks.FlushAsync(default);
        await WriteAllAsync(made, 2);

        (await made.ReadAsync("thick", 4096)).ShouldBe((byte)2);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_written_anew_whole_after_a_rollback(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        await WriteAllAsync(made, 2);
        await RunningPlans.RunAsync(made.Pool.PlanRollbackAsync(s_snapshot, default));
        FillDisk(made);

        (await made.ReadAsync("thick", 0)).ShouldBe((byte)1);
        await WriteAllAsync(made, 3);

        (await made.ReadAsync("thick", 0)).ShouldBe((byte)3);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task A_snapshot_for_whose_volume_no_room_could_be_kept_is_refused_and_leaves_nothing(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        FillDisk(made, leaves: Length / 2);

        StorageException e = await Should.ThrowAsync<StorageException>(() => SnapshotAsync(made, s_snapshot));

        e.Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        e.Message.ShouldContain("thick: has its space for itself, and a copy shares its blocks: 8MiB more have to be free");
        (await made.Pool.ListSnapshotsAsync(new("thick"), default).CountAsync()).ShouldBe(0);
        File.Exists(RoomOf(made)).ShouldBeFalse();
        await WriteAllAsync(made, 2);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task The_room_is_kept_once_and_given_back_when_the_last_copy_goes(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        await RunningPlans.RunAsync(made.Pool.PlanCloneAsync(s_snapshot, new("clone"), default), "clone");
        BlockFile.Look(RoomOf(made)).Allocated.ShouldBe(Length);
        (await made.Pool.GetStatusAsync(default)).Used.Bytes.ShouldBeInRange(3 * Length, (3 * Length) + (1 << 20), "copies count whole, and so has the room");

        await RunningPlans.RunAsync(made.Pool.PlanDeleteSnapshotAsync(s_snapshot, default));
        File.Exists(RoomOf(made)).ShouldBeTrue("the clone shares blocks with it");
        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("clone"), default));

        File.Exists(RoomOf(made)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task A_thin_volume_has_none(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind, VolumeTraits.Thin);

        await SnapshotAsync(made, s_snapshot);

        File.Exists(RoomOf(made)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_compressed_volume_has_none()
    {
        await using PoolOnDisk made = await MakeAsync("btrfs", VolumeTraits.Compressed);
        await SnapshotAsync(made, s_snapshot);
        await RunningPlans.RunAsync(made.Pool.PlanRollbackAsync(s_snapshot, default));

        File.Exists(RoomOf(made)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task For_a_snapshot_none_is_kept_and_no_copy_made_while_the_pool_is_changed_otherwise(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);

        await IsKeptOutAsync(made, await made.Pool.PlanSnapshotAsync([s_snapshot], default), s_snapshot);

        File.Exists(RoomOf(made)).ShouldBeFalse();
        Directory.EnumerateFileSystemEntries(Path.Combine(made.Path, "volumes/thick/snapshots")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task For_a_rollback_no_copy_is_made_while_the_pool_is_changed_otherwise(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);

        await IsKeptOutAsync(made, await made.Pool.PlanRollbackAsync(s_snapshot, default), s_snapshot);

        Directory.EnumerateFiles(Path.Combine(made.Path, "volumes/thick"), ".tmp-*").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task A_copy_is_deleted_although_the_image_that_it_shares_blocks_with_can_not_be_opened_and_the_room_stays(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        await CloneAsync(made, s_snapshot, "clone");
        await made.CreateAsync("unrelated");
        string image = made.Pool.PathOf(new("thick"));
        File.Move(image, $"{image}.away");

        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("unrelated"), default));
        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("clone"), default));
        await RunningPlans.RunAsync(made.Pool.PlanDeleteSnapshotAsync(s_snapshot, default));

        BlockFile.Look(RoomOf(made)).Allocated.ShouldBe(Length);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_given_back_when_the_last_clone_of_a_clone_goes_whatever_the_volume_is_called_by_then(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        SnapshotName cloned = new(new("clone"), "again");
        await SnapshotAsync(made, s_snapshot);
        await CloneAsync(made, s_snapshot, "clone");
        await SnapshotAsync(made, cloned);
        await CloneAsync(made, cloned, "last");
        await RunningPlans.RunAsync(made.Pool.PlanDeleteSnapshotAsync(cloned, default));
        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("clone"), default));
        await RunningPlans.RunAsync(made.Pool.PlanDeleteSnapshotAsync(s_snapshot, default));
        await RunningPlans.RunAsync(made.Pool.PlanRenameAsync(new("thick"), new("thicker"), default));
        string room = Path.Combine(made.Path, "volumes/thicker/room");
        BlockFile.Look(room).Allocated.ShouldBe(Length, "the last clone shares blocks with it");

        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("last"), default));

        File.Exists(room).ShouldBeFalse();
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task Deleting_a_copy_does_not_write_out_what_was_written_to_the_volume_whose_old_blocks_count_as_shared_until_then(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        SnapshotName later = new(new("thick"), "later");
        await SnapshotAsync(made, s_snapshot);
        await SnapshotAsync(made, later);
        await WriteAllAsync(made, 2, flushes: false);

        await RunningPlans.RunAsync(made.Pool.PlanDeleteSnapshotAsync(later, default));

        BlockFile.Look(RoomOf(made)).Allocated.ShouldBe(Length);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task It_is_written_anew_whole_by_writers_at_once(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        FillDisk(made);
        await using IBlockSource blocks = await made.BlocksAsync("thick");

        const int Writers = 4;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            byte[] piece = [.. Enumerable.Repeat((byte)2, 64 << 10)];
            for (long at = writer * piece.Length; at < Length; at += Writers * piece.Length)
            {
                await blocks.WriteAsync(at, piece, WriteDurability.Cached, default);
            }
        })));
        await blocks.FlushAsync(default);

        byte[] read = new byte[Length];
        await blocks.ReadAsync(0, read, default);
        read.AsSpan().ContainsAnyExcept((byte)2).ShouldBeFalse();
    }

    [Fact]
    public async Task No_two_writers_are_given_the_same_of_it()
    {
        await using PoolOnDisk made = await MakeAsync("xfs");
        VolumeDirectory volume = made.Pool.VolumeOf(new("thick"));
        const int Rounds = 20;
        const int Slices = 200;
        const int Writers = 4;
        int given = 0;
        using Barrier together = new(Writers, _ => VolumeRoom.Keep(volume, Slices << 20));

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Factory.StartNew(Write, TaskCreationOptions.LongRunning)));

        given.ShouldBe(Rounds * Slices);

        void Write()
        {
            for (int round = 0; round < Rounds; round++)
            {
                together.SignalAndWait();
                while (VolumeRoom.TryGive(volume.Path, 4096))
                {
                    Interlocked.Increment(ref given);
                }
            }
        }
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task What_of_it_is_a_hole_is_kept_anew_before_the_next_copy(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        using (BlockFile room = BlockFile.Open(RoomOf(made), writable: true))
        {
            room.SetLength(1 << 20);
            room.SetLength(Length);
        }

        await SnapshotAsync(made, new(new("thick"), "later"));

        BlockFile.Look(RoomOf(made)).Allocated.ShouldBe(Length);
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task A_volume_that_grew_needs_free_for_its_next_snapshot_only_what_it_has_more(string kind)
    {
        await using PoolOnDisk made = await MakeAsync(kind);
        await SnapshotAsync(made, s_snapshot);
        await RunningPlans.RunAsync(made.Pool.PlanGrowAsync(new("thick"), new(Length * 3 / 2), default));
        await made.WriteAsync("thick", Length, 1, Length / 2);
        FillDisk(made, leaves: Length * 3 / 4);

        await SnapshotAsync(made, new(new("thick"), "later"));

        BlockFile.Look(RoomOf(made)).Allocated.ShouldBe(Length * 3 / 2);
    }

    private static string RoomOf(PoolOnDisk made) => Path.Combine(made.Path, "volumes/thick/room");

    // Somebody else has the pool's lock for longer than we wait.
    private static async Task IsKeptOutAsync(PoolOnDisk made, Plan plan, SnapshotName snapshot)
    {
        made.Options.LockTimeout = TimeSpan.FromMilliseconds(50);
        using FileLock other = await made.Pool.LockAsync("another change", default);
        OperationContext context = RunningPlans.ContextOf(RunningPlans.RequestFor($"{snapshot}"));
        (await Should.ThrowAsync<StorageException>(async () => await plan.Steps[0].ApplyAsync(context, default))).Kind.ShouldBe(StorageErrorKind.Busy);
    }

    private async Task<PoolOnDisk> MakeAsync(string kind, VolumeTraits traits = VolumeTraits.None)
    {
        PoolOnDisk made = await PoolOnDisk.MakeAsync(Needed.Require(kind == "btrfs" ? btrfs : xfs));
        await made.CreateAsync("thick", new(Length), traits);
        await WriteAllAsync(made, 1);
        return made;
    }

    private static Task SnapshotAsync(PoolOnDisk made, SnapshotName name) => RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([name], default), $"{name}");

    private static Task CloneAsync(PoolOnDisk made, SnapshotName snapshot, string name) => RunningPlans.RunAsync(made.Pool.PlanCloneAsync(snapshot, new(name), default), name);

    private static async Task WriteAllAsync(PoolOnDisk made, byte value, bool flushes = true)
    {
        byte[] piece = [.. Enumerable.Repeat(value, 4 << 20)];
        await using IBlockSource blocks = await made.BlocksAsync("thick");
        for (int at = 0; at < Length; at += piece.Length)
        {
            await blocks.WriteAsync(at, piece, WriteDurability.Cached, default);
        }

        if (flushes)
        {
            await blocks.FlushAsync(default);
        }
    }

    // Somebody else's file, which takes all that there is, to the last block, or nearly.
    private static void FillDisk(PoolOnDisk made, long leaves = 0)
    {
        string directory = Path.GetDirectoryName(made.Path)!;
        using BlockFile other = BlockFile.Create(Path.Combine(directory, "other"));
        using BlockFile left = BlockFile.Create(Path.Combine(directory, "left"));
        left.Allocate(0, Math.Max(leaves, 1));
        long at = 0;
        foreach (long piece in new[] { 64L << 20, 4 << 20, 256 << 10, 4 << 10 })
        {
            try
            {
                for (; ; at += piece)
                {
                    other.Allocate(at, piece);
                }
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
            {
                // then a smaller one
            }
        }

        if (leaves > 0)
        {
            left.SetLength(0);
        }

        other.Flush();
    }
}
