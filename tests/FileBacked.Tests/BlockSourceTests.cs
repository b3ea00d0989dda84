using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What holds for the blocks of a file beyond the promises of every pool.</summary>
public class BlockSourceTests
{
    [Fact]
    public async Task A_failed_sync_counts_for_good_is_told_once_and_outlives_the_process()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        bool fails = true;
        made.Pool.Images.Sync = file =>
        {
            if (fails)
            {
                throw new StorageException(StorageErrorKind.Io, "disk", "failed");
            }

            file.Flush();
        };
        IBlockSource blocks = await made.BlocksAsync("vm42");
        await blocks.WriteAsync(0, new byte[4096], WriteDurability.Cached, default);

        await Should.ThrowAsync<StorageException>(async () => await blocks.FlushAsync(default));
        fails = false;

        (await Should.ThrowAsync<StorageException>(async () => await blocks.FlushAsync(default))).Kind.ShouldBe(StorageErrorKind.Io, "the kernel would say that all is well");
        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(0, new byte[512], WriteDurability.Cached, default));
        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(0, new byte[512], WriteDurability.Stable, default));
        await blocks.ReadAsync(0, new byte[4096], default);
        StorageEvent told = made.Events.Seen.ShouldHaveSingleItem();
        (told.Id, told.Severity, told.Subject).ShouldBe(("volume.sync-failed", EventSeverity.Critical, "data/vm42"));
        await blocks.DisposeAsync();

        await using FileBacked.FilePool later = await made.OpenAsync();
        (await Should.ThrowAsync<StorageException>(async () => await later.OpenBlocksAsync(new("vm42"), BlockAccess.ReadWrite, default))).Kind.ShouldBe(StorageErrorKind.NeedsAttention);
        (await later.OpenBlocksAsync(new("vm42"), BlockAccess.Read, default)).ShouldNotBeNull();
        PoolStatus status = await later.GetStatusAsync(default);
        status.Health.ShouldBe(PoolHealth.Degraded);
        string advice = status.Problems.ShouldHaveSingleItem();

        File.Delete(advice[(advice.IndexOf("remove ", StringComparison.Ordinal) + 7)..]);
        await using FileBacked.FilePool accepted = await made.OpenAsync();
        await using IBlockSource again = await accepted.OpenBlocksAsync(new("vm42"), BlockAccess.ReadWrite, default);
        (await accepted.GetStatusAsync(default)).Health.ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_volume_that_is_open_keeps_its_name_so_that_a_failed_sync_is_noted_where_it_belongs()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        made.Pool.Images.Sync = _ => throw new StorageException(StorageErrorKind.Io, "disk", "failed");
        IBlockSource blocks = await made.BlocksAsync("vm42");

        (await Should.ThrowAsync<StorageException>(RenameAsync)).Kind.ShouldBe(StorageErrorKind.Busy);
        await Should.ThrowAsync<StorageException>(async () => await blocks.FlushAsync(default));
        await blocks.DisposeAsync();
        await RenameAsync();

        File.Exists(Path.Combine(made.Path, "volumes/renamed/sync-failed")).ShouldBeTrue("it goes with the volume");

        async Task RenameAsync() => await RunningPlans.RunAsync(made.Pool.PlanRenameAsync(new("vm42"), new("renamed"), default));
    }

    [Fact]
    public async Task An_opening_that_was_refused_leaves_no_lock_behind()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        await using FileBacked.FilePool other = await made.OpenAsync();
        await using IBlockSource reader = await made.BlocksAsync("vm42", BlockAccess.Read);
        string image = made.Pool.PathOf(new("vm42"));
        File.Move(image, $"{image}.old");
        File.Copy($"{image}.old", image);

        await Should.ThrowAsync<StorageException>(() => made.BlocksAsync("vm42"));
        File.Move($"{image}.old", image, overwrite: true);

        using Linux.BlockFile opened = Linux.BlockFile.Open(image, writable: true);
        opened.TryLock(FileBacked.OpenImage.WriterLock, exclusive: true).ShouldBeTrue("nobody writes");
    }

    [Fact]
    public async Task What_was_claimed_is_free_again_although_a_program_that_is_being_started_has_its_descriptors()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        Guid id = (await made.CreateAsync("vm42")).Ids["vm42"];
        FileBacked.VolumeDirectory volume = made.Pool.VolumeOf(new("vm42"));
        string image = made.Pool.PathOf(new("vm42"));
        FileBacked.ImageClaim claim = made.Pool.Images.Claim(volume, id);
        FileInfo descriptor = new DirectoryInfo("/proc/self/fd").EnumerateFiles().Single(fd => fd.LinkTarget == image);
        int inherited = Tmds.Linux.LibC.dup(int.Parse(descriptor.Name, System.Globalization.CultureInfo.InvariantCulture));   // as between fork(2) and execve(2)

        claim.Dispose();

        made.Pool.Images.Claim(volume, id).Dispose();
        Tmds.Linux.LibC.close(inherited).ShouldBe(0);
    }

    [Fact]
    public async Task Flushes_that_wait_share_the_next_sync_and_never_the_running_one()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        using SemaphoreSlim go = new(0);
        using SemaphoreSlim began = new(0);
        int syncs = 0;
        made.Pool.Images.Sync = _ =>
        {
            Interlocked.Increment(ref syncs);
            began.Release();
            go.Wait();
        };
        await using IBlockSource blocks = await made.BlocksAsync("vm42");

        Task first = Task.Run(() => blocks.FlushAsync(default).AsTask());
        await began.WaitAsync();
        Task[] waiting = [.. Enumerable.Range(0, 50).Select(_ => blocks.FlushAsync(default).AsTask())];
        go.Release();
        await first;
        await began.WaitAsync();
        waiting.ShouldAllBe(flush => !flush.IsCompleted);
        go.Release();
        await Task.WhenAll(waiting);

        syncs.ShouldBe(2);
    }

    [Fact]
    public async Task A_read_and_a_write_of_cached_data_allocate_nothing()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(options: new() { Limit = ByteSize.MiB(64) });
        await made.CreateAsync("vm42");
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        byte[] page = new byte[4096];
        for (int warm = 0; warm < 100; warm++)
        {
            await blocks.WriteAsync(0, page, WriteDurability.Cached, default);
            blocks.TryRead(0, page).ShouldBeTrue();
        }

        (long allocated, bool done) = Measure();

        done.ShouldBeTrue();
        allocated.ShouldBe(0);

        static bool IsDone(ValueTask write) => write.IsCompletedSuccessfully;

        (long Allocated, bool Done) Measure()
        {
            bool all = true;
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                all &= IsDone(blocks.WriteAsync(0, page, WriteDurability.Cached, default)) && blocks.TryRead(0, page);
            }

            return (GC.GetAllocatedBytesForCurrentThread() - before, all);
        }
    }

    [Fact]
    public async Task Discarding_gives_a_thin_volumes_space_back_and_a_preallocated_one_keeps_it()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("thin");
        await made.CreateAsync("thick", traits: VolumeTraits.None);
        (await made.Pool.FindVolumeAsync(new("thin"), default))!.Allocated.ShouldBe(default);
        (await made.Pool.FindVolumeAsync(new("thick"), default))!.Allocated.ShouldBeGreaterThanOrEqualTo(ByteSize.MiB(16));

        foreach (string name in (string[])["thin", "thick"])
        {
            await made.WriteAsync(name, 0, 1, 1 << 20);
            await using IBlockSource blocks = await made.BlocksAsync(name);
            await blocks.DiscardAsync(0, 1 << 20, default);
            await blocks.FlushAsync(default);
            (await made.ReadAsync(name, 4096)).ShouldBe((byte)0);
        }

        (await made.Pool.FindVolumeAsync(new("thin"), default))!.Allocated.ShouldBe(default);
        VolumeInfo thick = (await made.Pool.FindVolumeAsync(new("thick"), default))!;
        thick.Allocated.ShouldBeGreaterThanOrEqualTo(ByteSize.MiB(16));
        thick.Traits.HasFlag(VolumeTraits.Thin).ShouldBeFalse();
    }

    [Fact]
    public async Task Zeros_are_written_where_the_file_system_can_only_punch_holes()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync("/dev/shm");
        await made.CreateAsync("thick", traits: VolumeTraits.None);
        await made.WriteAsync("thick", 0, 1, 1 << 20);
        await using IBlockSource blocks = await made.BlocksAsync("thick");

        await blocks.WriteZeroesAsync(4096, 4096, default);

        (await made.ReadAsync("thick", 4096)).ShouldBe((byte)0);
        (await made.ReadAsync("thick", 8192)).ShouldBe((byte)1);
    }

    [Fact]
    public async Task Many_readers_and_writers_at_once_see_whole_pages()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        await using IBlockSource blocks = await made.BlocksAsync("vm42");

        await Parallel.ForEachAsync(Enumerable.Range(0, 64), async (i, _) =>
        {
            byte[] page = [.. Enumerable.Repeat((byte)(i + 1), 4096)];
            byte[] read = new byte[4096];
            for (int round = 0; round < 20; round++)
            {
                await blocks.WriteAsync(i * 4096, page, round % 10 == 0 ? WriteDurability.Stable : WriteDurability.Cached, default);
                await blocks.ReadAsync(i * 4096, read, default);
                read.ShouldBe(page);
            }
        });
    }

    [Fact]
    public async Task A_source_that_was_disposed_is_used_no_more()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        IBlockSource blocks = await made.BlocksAsync("vm42");
        await blocks.DisposeAsync();
        await blocks.DisposeAsync();

        Should.Throw<ObjectDisposedException>(() => blocks.TryRead(0, new byte[512]));
        await RunningPlans.RunAsync(made.Pool.PlanDeleteAsync(new("vm42"), default));
    }
}
