using EveStorage.Cli.Api;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>File systems that their pool makes by itself: for a person they are as those with a layer.</summary>
public sealed class NativeFileSystemTests : IAsyncLifetime
{
    private static readonly VolumeName s_name = new("newlog");

    private readonly FileSystemHost _host = new() { Native = new() };

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task One_is_mounted_and_reported_with_its_kind_and_its_quota()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog", at: "services/log"), FileSystemHost.Create("status", kind: "tmpfs", reserved: true));

        await File.WriteAllTextAsync(_host.PointOf("services/log/a"), "written");
        FileSystemReport newlog = await _host.ShowAsync("newlog");
        (newlog.Kind, newlog.Quota, newlog.Mounted, newlog.Reserved).ShouldBe(("tmpfs", ByteSize.MiB(32), true, false));
        newlog.MountPoint.ShouldBe(_host.PointOf("services/log"));
        newlog.Used.ShouldNotBeNull().Bytes.ShouldBePositive();
        (await _host.ShowAsync("status")).Reserved.ShouldBeTrue();
        MountTable.FindAt(_host.PointOf("status")).ShouldNotBeNull().Source.ShouldEndWith("/status");
    }

    [Fact]
    public async Task A_kind_that_its_pool_does_not_have_is_refused_with_those_that_it_has()
        => (await _host.RefusedAsync(FileSystemHost.Create("newlog", kind: "btrfs"))).Message.ShouldContain("which has tmpfs, ext4, xfs");

    [Fact]
    public async Task A_trait_that_nothing_there_adds_is_refused()
        => (await _host.RefusedAsync(FileSystemHost.Create("newlog") with { Traits = VolumeTraits.Encrypted })).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);

    [Fact]
    public async Task Who_fills_it_meets_ENOSPC_and_is_told()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        using FileStream log = File.Create(_host.PointOf("newlog/log"));
        byte[] piece = new byte[1 << 20];

        IOException full = Should.Throw<IOException>(() =>
        {
            while (true)
            {
                log.Write(piece);
                log.Flush(flushToDisk: true);
            }
        });
        await _host.Part<FileSystemWatch>().LookAsync(default);

        const int ENOSPC = 28;
        full.HResult.ShouldBe(ENOSPC);
        (await _host.Api.ToldAsync().ToArrayAsync()).Select(told => $"{told.Id} {told.Subject}").ShouldBe(["fs.space data/newlog"]);
    }

    [Fact]
    public async Task What_is_kept_free_for_it_is_released_while_it_is_used()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        using FileStream used = File.Create(_host.PointOf("newlog/used"));

        await _host.DoAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, Reservation = ByteSize.MiB(16) });
        FileSystemReport kept = await _host.ShowAsync("newlog");
        await _host.DoAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, Reservation = default(ByteSize) });

        kept.Reservation.ShouldBe(ByteSize.MiB(16));
        (await _host.ShowAsync("newlog")).Reservation.ShouldBe(default(ByteSize));
    }

    [Fact]
    public async Task So_it_is_while_what_it_lies_in_is_not_mounted()
    {
        await _host.DoAsync(FileSystemHost.Create("outer"), FileSystemHost.Create("newlog", at: "outer/log"));
        await _host.DoAsync(new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name }, new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = new("outer") });

        await _host.DoAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, Reservation = ByteSize.MiB(16) });

        (await _host.ShowAsync("newlog")).Reservation.ShouldBe(ByteSize.MiB(16));
    }

    [Fact]
    public async Task A_start_mounts_those_that_are_wanted_and_no_other()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"), FileSystemHost.Create("inner", at: "newlog/inner"), FileSystemHost.Create("idle"));
        await _host.DoAsync(new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = new("idle") });

        await _host.RebootAsync();

        (await _host.Api.ListFileSystemsAsync(null, default)).Select(one => $"{one.Name} {one.Mounted}").ShouldBe(["idle False", "inner True", "newlog True"]);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_somebody_uses_is_neither_moved_nor_deleted()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        await using (FileStream used = File.Create(_host.PointOf("newlog/used")))
        {
            OperationReport moved = await _host.RunAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, At = "moved" });
            moved.Error.ShouldNotBeNull().Message.ShouldContain("is in use");
        }

        await _host.DoAsync(new DeleteVolume { Pool = FileSystemHost.Pool, Volume = s_name });

        (await _host.Api.ListFileSystemsAsync(null, default)).ShouldBeEmpty();
        MountTable.FindAt(_host.PointOf("newlog")).ShouldBeNull();
    }

    public static TheoryData<string> Changes { get; } = ["create", "grow", "move", "unmount", "mount", "delete"];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_is_cut_short_after_any_of_its_steps_is_finished_by_the_next_start(string change)
    {
        int steps = int.MaxValue;
        for (int done = 0; done <= steps; done++)
        {
            if (change != "create")
            {
                await _host.DoAsync(FileSystemHost.Create("newlog"));
            }

            if (change == "mount")
            {
                await _host.DoAsync(new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name });
            }

            steps = await _host.CutAsync(RequestFor(change), done);

            await _host.StartAsync(serve: true);

            string when = $"{change} after {done} of {steps} steps";
            (await _host.Api.ListOperationsAsync(default)).ShouldAllBe(operation => operation.State != OperationState.Running && operation.State != OperationState.NeedsAttention, when);
            (await _host.Api.ListFileSystemsAsync(null, default)).Select(one => $"{one.Mounted} {one.Quota}").ShouldBe(change switch
            {
                "delete" => [],
                "unmount" => [$"False {ByteSize.MiB(32)}"],
                "grow" => [$"True {ByteSize.MiB(48)}"],
                _ => [$"True {ByteSize.MiB(32)}"],
            }, when);
            if (change != "delete")
            {
                await _host.DoAsync(new DeleteVolume { Pool = FileSystemHost.Pool, Volume = s_name });
            }

            MountTable.Read().ShouldNotContain(mount => mount.Point.StartsWith(_host.Mounts, StringComparison.Ordinal), when);
        }
    }

    private static ChangeRequest RequestFor(string change) => change switch
    {
        "create" => FileSystemHost.Create("newlog"),
        "grow" => new ResizeVolume { Pool = FileSystemHost.Pool, Volume = s_name, Size = ByteSize.MiB(48) },
        "move" => new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, At = "moved" },
        "unmount" => new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name },
        "mount" => new MountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name },
        _ => new DeleteVolume { Pool = FileSystemHost.Pool, Volume = s_name },
    };
}
