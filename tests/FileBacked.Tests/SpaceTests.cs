using EveStorage.FileBacked;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Room, its limit, and what is told when there is none.</summary>
public sealed class SpaceTests(Btrfs btrfs, Xfs xfs, Ext4 ext4) : IClassFixture<Btrfs>, IClassFixture<Xfs>, IClassFixture<Ext4>
{
    [Fact]
    public async Task The_limit_holds_for_writers_together_and_what_is_discarded_can_be_written_again()
    {
        ByteSize limit = ByteSize.MiB(8);
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(options: new() { Limit = limit });
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        await using IBlockSource a = await made.BlocksAsync("a");
        await using IBlockSource b = await made.BlocksAsync("b");

        int[] written = await Task.WhenAll(FillAsync(a), FillAsync(b));

        written.Sum().ShouldBeInRange(6 << 20, 8 << 20);
        PoolStatus full = await made.Pool.GetStatusAsync(default);
        full.Used.ShouldBeLessThanOrEqualTo(limit);
        full.Size.ShouldBe(limit);
        full.Free.ShouldBe(new(limit.Bytes - full.Used.Bytes));

        await a.WriteAsync(0, new byte[4096], WriteDurability.Cached, default);
        await a.DiscardAsync(0, 1 << 20, default);
        await b.WriteAsync(ByteSize.MiB(15).Bytes, new byte[64 << 10], WriteDurability.Cached, default);
    }

    [Fact]
    public async Task A_writer_is_never_too_fast_for_a_pool_that_has_room()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync("/dev/shm", new() { Limit = ByteSize.GiB(1) }, new StoppedClock());
        await made.CreateAsync("vm42", ByteSize.MiB(256));
        await using IBlockSource blocks = await made.BlocksAsync("vm42");

        (await FillAsync(blocks)).ShouldBe(256 << 20);
    }

    [Fact]
    public async Task A_full_pool_still_takes_overwrites_and_what_fits_beside_a_write_that_was_refused()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync("/dev/shm", new() { Limit = ByteSize.MiB(8) }, new StoppedClock());
        await made.CreateAsync("vm42", ByteSize.MiB(32));
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        await blocks.WriteAsync(0, new byte[4 << 20], WriteDurability.Cached, default);

        for (int overwrite = 0; overwrite < 100; overwrite++)
        {
            await blocks.WriteAsync(0, new byte[4 << 20], WriteDurability.Cached, default);
        }

        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(8 << 20, new byte[8 << 20], WriteDurability.Cached, default));
        await blocks.WriteAsync(8 << 20, new byte[2 << 20], WriteDurability.Cached, default);
    }

    [Fact]
    public async Task A_preallocated_volume_can_be_written_whole_in_a_pool_that_is_full()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(options: new() { Limit = ByteSize.MiB(17) });
        await made.CreateAsync("thick", traits: VolumeTraits.None);
        await using IBlockSource blocks = await made.BlocksAsync("thick");

        (await FillAsync(blocks)).ShouldBe(16 << 20);
    }

    [Fact]
    public async Task A_roll_back_for_which_there_is_no_room_is_refused_with_the_room_that_it_needs_and_changes_nothing()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(Needed.Require(ext4));
        SnapshotName snapshot = new(new("thick"), "before");
        await made.CreateAsync("thick", ByteSize.MiB(200), VolumeTraits.None);
        await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([snapshot], default), $"{snapshot}");
        await made.WriteAsync("thick", 0, 7);
        await made.CreateAsync("other", ByteSize.MiB(150), VolumeTraits.None);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(made.Pool.PlanRollbackAsync(snapshot, default)));

        refused.Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        refused.Message.ShouldContain("thick: needs 200MiB free to be rolled back");
        (await made.ReadAsync("thick", 0)).ShouldBe((byte)7);
        Directory.GetFileSystemEntries(Path.Combine(made.Path, "volumes/thick")).ShouldAllBe(entry => !entry.Contains(".tmp"));
    }

    [Fact]
    public async Task What_takes_its_space_at_once_is_refused_beforehand()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(options: new() { Limit = ByteSize.MiB(8) });

        StorageException e = await Should.ThrowAsync<StorageException>(() => made.CreateAsync("thick", traits: VolumeTraits.None));

        e.Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        e.Message.ShouldContain("8MiB");
        Directory.GetFileSystemEntries(Path.Combine(made.Path, "volumes")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_full_file_system_is_out_of_space_and_the_volume_can_be_read_on()
    {
        Assert.SkipUnless(Environment.UserName == "root" || Environment.GetEnvironmentVariable("CI") == "true", "needs root to mount a small tmpfs");
        using TemporaryDirectory directory = new();
        await Command.Find("mount")!.RunAsync(["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory.Path], default);
        try
        {
            await using PoolOnDisk made = await PoolOnDisk.MakeAsync(directory.Path);
            await made.CreateAsync("vm42");
            await using IBlockSource blocks = await made.BlocksAsync("vm42");

            (await FillAsync(blocks)).ShouldBeInRange(3 << 20, 4 << 20);
            await blocks.ReadAsync(0, new byte[4096], default);
            (await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(8 << 20, new byte[4 << 20], WriteDurability.Stable, default))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
            await blocks.DiscardAsync(0, 1 << 20, default);
            await blocks.WriteAsync(0, new byte[4096], WriteDurability.Stable, default);
            await blocks.FlushAsync(default);
        }
        finally
        {
            await Command.Find("umount")!.RunAsync([directory.Path], default);
        }
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    [InlineData("tmpfs")]
    public async Task A_snapshot_or_clone_that_the_limit_has_no_room_for_is_refused_shared_blocks_or_not(string kind)
    {
        string place = kind == "tmpfs" ? "/dev/shm" : Needed.Require(kind == "btrfs" ? btrfs : xfs);
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(place, new() { Limit = ByteSize.MiB(20) });
        await made.CreateAsync("vm42");
        await made.WriteAsync("vm42", 0, 1, 8 << 20);
        SnapshotName first = new(new("vm42"), "first");
        await RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([first], default), $"{first}");
        SnapshotName second = new(new("vm42"), "second");

        (await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(made.Pool.PlanSnapshotAsync([second], default), $"{second}"))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        (await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(made.Pool.PlanCloneAsync(first, new("clone"), default), "clone"))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);

        // What the snapshot took is no more there to write.
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        await blocks.WriteAsync(8 << 20, new byte[3 << 20], WriteDurability.Cached, default);
        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(11 << 20, new byte[2 << 20], WriteDurability.Cached, default));
    }

    // Writes until there is no room, and says how much went in.
    private static async Task<int> FillAsync(IBlockSource blocks)
    {
        byte[] piece = [.. Enumerable.Repeat((byte)1, 64 << 10)];
        int written = 0;
        try
        {
            for (; written < blocks.Size.Bytes; written += piece.Length)
            {
                await blocks.WriteAsync(written, piece, WriteDurability.Cached, default);
                await Task.Yield();
            }
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
        {
        }

        return written;
    }

    // All happens in one moment.
    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }
}

public class OptionsTests
{
    [Fact]
    public void Every_wrong_value_is_told_at_once_with_what_is_allowed()
    {
        FileBackedOptions options = new() { Directory = "data/../x", Limit = new(512), LockTimeout = TimeSpan.Zero };

        string[] failures = [.. new FileBackedOptionsValidator().Validate("data", options).Failures!];

        failures.Length.ShouldBe(3);
        failures.ShouldContain(f => f.Contains("Directory", StringComparison.Ordinal) && f.Contains("absolute", StringComparison.Ordinal));
        failures.ShouldContain(f => f.Contains("Limit", StringComparison.Ordinal) && f.Contains("1MiB", StringComparison.Ordinal));
        failures.ShouldContain(f => f.Contains("LockTimeout", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_set_is_right() => new FileBackedOptionsValidator().Validate("data", new()).Succeeded.ShouldBeTrue();
}
