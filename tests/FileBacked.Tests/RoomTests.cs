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

    private static string RoomOf(PoolOnDisk made) => Path.Combine(made.Path, "volumes/thick/room");

    private async Task<PoolOnDisk> MakeAsync(string kind, VolumeTraits traits = VolumeTraits.None)
    {
        PoolOnDisk made = await PoolOnDisk.MakeAsync(Needed.Require(kind == "btrfs" ? btrfs : xfs));
        await made.CreateAsync("thick", new(Length), traits);
        await WriteAllAsync(made, 1);
        return made;
    }

    private static Task SnapshotAsync(PoolOnDisk made, SnapshotName name) => RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([name], default), $"{name}");

    private static async Task WriteAllAsync(PoolOnDisk made, byte value)
    {
        byte[] piece = [.. Enumerable.Repeat(value, 4 << 20)];
        await using IBlockSource blocks = await made.BlocksAsync("thick");
        for (int at = 0; at < Length; at += piece.Length)
        {
            await blocks.WriteAsync(at, piece, WriteDurability.Cached, default);
        }

        await blocks.FlushAsync(default);
    }

    // Somebody else's file, which takes all that there is, to the last block, or nearly.
    private static void FillDisk(PoolOnDisk made, long leaves = 0)
    {
        using BlockFile other = BlockFile.Create(Path.Combine(Path.GetDirectoryName(made.Path)!, "other"));
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

        other.SetLength(at - leaves);
        other.Flush();
    }
}
