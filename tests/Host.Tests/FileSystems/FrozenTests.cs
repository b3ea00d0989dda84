using EveStorage.Cli.Api;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.Extensions.Time.Testing;

namespace EveStorage.Tests;

/// <summary>Snapshots of file systems that are in use, on a pool that shares blocks; and what is free given back to it.</summary>
public sealed class FrozenTests : IAsyncLifetime
{
    private static readonly VolumeName s_name = new("newlog");

    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync()
    {
        string image = _host["pool.img"];
        using (FileStream file = File.Create(image))
        {
            file.SetLength(1 << 30);
        }

        Directory.CreateDirectory(_host["xfs"]);
        await Command.Find("mkfs.xfs")!.RunAsync(["-q", "-m", "reflink=1", image], default);
        await Command.Find("mount")!.RunAsync(["-o", "loop", image, _host["xfs"]], default);
        _host.PoolDirectory = _host["xfs/pool"];
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = FileSystemHost.Pool }, FileSystemHost.Create("newlog"));
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_snapshot_of_one_that_is_written_holds_all_that_was_written_before_and_it_goes_on()
    {
        using FileStream log = File.Create(_host.PointOf("newlog/log"));
        byte[] piece = new byte[4 << 20];
        new Random(1).NextBytes(piece);
        log.Write(piece);
        await log.FlushAsync(TestContext.Current.CancellationToken);   // to the kernel, and not to the disk

        await _host.DoAsync(new TakeSnapshots { Pool = FileSystemHost.Pool, Snapshots = [new(s_name, "s")] });
        log.Write("after"u8);
        log.Flush(flushToDisk: true);
        await _host.DoAsync(
            new CloneSnapshot { Pool = FileSystemHost.Pool, Snapshot = new(s_name, "s"), NewVolume = new("copy") },
            new MountFileSystem { Pool = FileSystemHost.Pool, Volume = new("copy"), ReadOnly = true });

        (await File.ReadAllBytesAsync(_host.PointOf("copy/log"))).ShouldBe(piece);
    }

    [Fact]
    public async Task A_clone_has_no_place_until_it_is_mounted()
    {
        await _host.DoAsync(
            new TakeSnapshots { Pool = FileSystemHost.Pool, Snapshots = [new(s_name, "s")] },
            new CloneSnapshot { Pool = FileSystemHost.Pool, Snapshot = new(s_name, "s"), NewVolume = new("copy") });

        FileSystemReport copy = await _host.ShowAsync("copy");
        (copy.Mounted, copy.Wanted, copy.MountPoint).ShouldBe((false, false, null));
    }

    [Fact]
    public async Task Rolling_one_back_closes_it_and_opens_it_as_it_was()
    {
        await File.WriteAllTextAsync(_host.PointOf("newlog/a"), "then");
        await _host.DoAsync(new TakeSnapshots { Pool = FileSystemHost.Pool, Snapshots = [new(s_name, "s")] });
        await File.WriteAllTextAsync(_host.PointOf("newlog/a"), "now");

        await _host.DoAsync(new RollBack { Pool = FileSystemHost.Pool, Snapshot = new(s_name, "s") });

        (await File.ReadAllTextAsync(_host.PointOf("newlog/a"))).ShouldBe("then");
    }

    [Fact]
    public async Task One_that_a_killed_host_left_frozen_is_let_go_of_at_the_next_start()
    {
        await _host.EndAsync();
        MountedFileSystem.Freeze(_host.PointOf("newlog"));

        await _host.StartAsync(serve: true);

        MountedFileSystem.TryThaw(_host.PointOf("newlog")).ShouldBeFalse("it was let go of");
        await File.WriteAllTextAsync(_host.PointOf("newlog/a"), "written");
        (await File.ReadAllTextAsync(_host.PointOf("newlog/a"))).ShouldBe("written");
    }

    [Fact]
    public async Task What_was_deleted_in_a_thin_one_is_given_back_once_in_a_while_and_in_a_reserved_one_never()
    {
        await _host.DoAsync(FileSystemHost.Create("kept", reserved: true));
        foreach (string name in (string[])["newlog", "kept"])
        {
            await File.WriteAllBytesAsync(_host.PointOf($"{name}/a"), new byte[20 << 20]);
            await Command.Find("sync")!.RunAsync(["--file-system", _host.PointOf(name)], default);
        }

        ByteSize before = (await _host.ShowAsync("newlog")).Allocated;
        FakeTimeProvider time = new();
        await using FileSystemWatch watch = new(_host.Part<Profile>(), _host.Part<RecordedMounts>(), _host.Part<IEventSink>(), time);
        foreach (string name in (string[])["newlog", "kept"])
        {
            File.Delete(_host.PointOf($"{name}/a"));
            await Command.Find("sync")!.RunAsync(["--file-system", _host.PointOf(name)], default);
        }

        await watch.LookAsync(default);
        ByteSize early = (await _host.ShowAsync("newlog")).Allocated;
        time.Advance(TimeSpan.FromDays(1));
        await watch.LookAsync(default);

        early.ShouldBe(before);
        (before.Bytes - (await _host.ShowAsync("newlog")).Allocated.Bytes).ShouldBeGreaterThan(16 << 20);
        FileSystemReport kept = await _host.ShowAsync("kept");
        kept.Allocated.Bytes.ShouldBeGreaterThanOrEqualTo(kept.Quota.Bytes);
    }
}
