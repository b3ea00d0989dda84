using EveStorage.Cli.Api;
using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class FileSystemTests : IAsyncLifetime
{
    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = FileSystemHost.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task It_is_mounted_at_its_name_and_shows_its_quota_and_what_is_used()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));

        FileSystemReport shown = await _host.ShowAsync("newlog");
        shown.Kind.ShouldBe("ext4");
        shown.Quota.ShouldBe(ByteSize.MiB(32));
        shown.Reserved.ShouldBeFalse();
        shown.Mounted.ShouldBeTrue();
        shown.MountPoint.ShouldBe(_host.PointOf("newlog"));
        (shown.Used!.Value.Bytes + shown.Free!.Value.Bytes).ShouldBeLessThanOrEqualTo(shown.Quota.Bytes);
        shown.FreeFiles!.Value.ShouldBeGreaterThan(1000);
        (await _host.Api.GetVolumeAsync(FileSystemHost.Pool, new("newlog"), default)).Form.ShouldBe(VolumeForm.FileSystem);
    }

    [Fact]
    public async Task One_that_is_reserved_takes_all_of_its_space_at_once()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog", reserved: true));

        FileSystemReport shown = await _host.ShowAsync("newlog");
        shown.Reserved.ShouldBeTrue();
        shown.Allocated.Bytes.ShouldBeGreaterThanOrEqualTo(shown.Quota.Bytes);
    }

    [Fact]
    public async Task A_reboot_mounts_it_again_and_what_lies_in_it_after_it()
    {
        await _host.DoAsync(FileSystemHost.Create("zlog", at: "log"), FileSystemHost.Create("apps", at: "log/apps"));
        await File.WriteAllTextAsync(_host.PointOf("log/a"), "outer");
        await File.WriteAllTextAsync(_host.PointOf("log/apps/b"), "inner");

        await _host.RebootAsync();

        (await File.ReadAllTextAsync(_host.PointOf("log/a"))).ShouldBe("outer");
        (await File.ReadAllTextAsync(_host.PointOf("log/apps/b"))).ShouldBe("inner");
    }

    [Fact]
    public async Task Ending_the_daemon_unmounts_nothing_and_the_next_one_finds_it_mounted()
    {
        await _host.StartAsync(serve: true);
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        using (FileStream used = File.Create(_host.PointOf("newlog/a")))
        {
            await _host.StartAsync(serve: true);
            used.WriteByte(1);
        }

        (await _host.ShowAsync("newlog")).Mounted.ShouldBeTrue();
        (await Events()).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_was_unmounted_stays_so_until_it_is_mounted()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"), new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = new("newlog") });

        await _host.RebootAsync();
        bool mounted = (await _host.ShowAsync("newlog")).Mounted;
        await _host.DoAsync(new MountFileSystem { Pool = FileSystemHost.Pool, Volume = new("newlog") });

        mounted.ShouldBeFalse();
        (await _host.ShowAsync("newlog")).MountPoint.ShouldBe(_host.PointOf("newlog"));
    }

    [Fact]
    public async Task Its_place_and_whether_it_can_be_written_are_changed()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        await File.WriteAllTextAsync(_host.PointOf("newlog/a"), "kept");

        await _host.DoAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = new("newlog"), At = "other/log", ReadOnly = true });
        await _host.RebootAsync();

        (await File.ReadAllTextAsync(_host.PointOf("other/log/a"))).ShouldBe("kept");
        (await _host.ShowAsync("newlog")).ReadOnly.ShouldBeTrue();
        MountTable.FindAt(_host.PointOf("newlog")).ShouldBeNull();
    }

    [Fact]
    public async Task A_plan_of_another_place_shows_that_it_is_unmounted_and_mounted_again()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));

        PlanReport plan = await _host.Api.PlanAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = new("newlog"), ReadOnly = true }, null, default);

        plan.Steps.Count.ShouldBe(3);
        plan.Steps.ShouldAllBe(step => step.Expected == "change");
    }

    [Fact]
    public async Task It_grows_while_it_is_used_and_none_shrinks()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog", 304, kind: "xfs"));   // ext4 needs more rights than some roots have
        using FileStream used = File.Create(_host.PointOf("newlog/a"));
        ByteSize before = (await _host.ShowAsync("newlog")).Free!.Value;

        await _host.DoAsync(new ResizeVolume { Pool = FileSystemHost.Pool, Volume = new("newlog"), Size = ByteSize.MiB(400) });
        StorageException shrinking = await _host.RefusedAsync(new ResizeVolume { Pool = FileSystemHost.Pool, Volume = new("newlog"), Size = ByteSize.MiB(304) });

        FileSystemReport shown = await _host.ShowAsync("newlog");
        shown.Quota.ShouldBe(ByteSize.MiB(400));
        (shown.Free!.Value.Bytes - before.Bytes).ShouldBeGreaterThan(ByteSize.MiB(80).Bytes);
        shrinking.Kind.ShouldBe(StorageErrorKind.NotSupported);
    }

    [Fact]
    public async Task Deleting_it_unmounts_it_and_leaves_nothing_in_the_pool()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"), new DeleteVolume { Pool = FileSystemHost.Pool, Volume = new("newlog") });

        MountTable.FindAt(_host.PointOf("newlog")).ShouldBeNull();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolDirectory, "volumes")).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_somebody_uses_is_not_deleted_and_goes_on()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));
        using FileStream used = File.Create(_host.PointOf("newlog/a"));

        OperationReport report = await _host.RunAsync(new DeleteVolume { Pool = FileSystemHost.Pool, Volume = new("newlog") });

        report.Error!.Kind.ShouldBe(StorageErrorKind.Busy);
        used.WriteByte(1);
        (await _host.ShowAsync("newlog")).Mounted.ShouldBeTrue();
    }

    [Fact]
    public async Task A_place_that_another_has_is_refused_and_so_is_one_that_leads_elsewhere()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));

        StorageException taken = await _host.RefusedAsync(FileSystemHost.Create("other", at: "newlog"));
        StorageException away = await _host.RefusedAsync(FileSystemHost.Create("other", at: "../etc"));
        StorageException absolute = await _host.RefusedAsync(FileSystemHost.Create("other", at: "/etc"));

        taken.Kind.ShouldBe(StorageErrorKind.Conflict);
        away.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        absolute.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["newlog"]);
    }

    [Fact]
    public async Task One_that_lies_in_another_is_not_mounted_without_it()
    {
        await _host.DoAsync(FileSystemHost.Create("log"), new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = new("log") });

        (await _host.RefusedAsync(FileSystemHost.Create("apps", at: "log/apps"))).Message.ShouldContain("`evestorage fs mount data/log` first");
    }

    [Fact]
    public async Task What_cannot_be_mounted_at_a_start_is_told_and_stops_no_other()
    {
        await _host.DoAsync(FileSystemHost.Create("a"), FileSystemHost.Create("b"));
        await _host.EndAsync();
        MountPlace.TryUnmount(_host.PointOf("a"), "a");
        await File.WriteAllTextAsync(_host.PointOf("a/written"), "while it was away");

        await _host.StartAsync(serve: true);

        EventReport told = (await Events()).ShouldHaveSingleItem();
        (told.Id, told.Subject).ShouldBe(("fs.not-mounted", "data/a"));
        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem().Command.ShouldBe("evestorage fs mount data/a");
        (await _host.ShowAsync("b")).Mounted.ShouldBeTrue();
        (await File.ReadAllTextAsync(_host.PointOf("a/written"))).ShouldBe("while it was away");
    }

    [Fact]
    public async Task It_is_no_disk_that_others_can_be_served()
    {
        await _host.StartAsync(serve: true);
        await _host.DoAsync(FileSystemHost.Create("newlog"));

        StorageException e = await _host.RefusedAsync(new AddExport
        {
            Pool = FileSystemHost.Pool,
            Volume = new("newlog"),
            AllowedHosts = new Dictionary<string, string?> { [$"{TestEngine.Guest}"] = null },
        });

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task It_has_no_reserve_that_changes()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog"));

        StorageException refused = await _host.RefusedAsync(new SetFileSystem { Pool = FileSystemHost.Pool, Volume = new("newlog"), Reservation = default(ByteSize) });

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
    }

    [Fact]
    public async Task A_disk_is_not_mounted()
    {
        await _host.DoAsync(new CreateVolume { Pool = FileSystemHost.Pool, Volume = new("vm1"), Size = ByteSize.MiB(32) });

        (await _host.RefusedAsync(new MountFileSystem { Pool = FileSystemHost.Pool, Volume = new("vm1") })).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task The_kind_is_chosen_among_the_pools_layers()
    {
        StorageException e = await _host.RefusedAsync(FileSystemHost.Create("newlog", kind: "btrfs"));
        await _host.DoAsync(FileSystemHost.Create("newlog", 320, kind: "xfs"));

        e.Message.ShouldContain("which has ext4, xfs");
        (await _host.ShowAsync("newlog")).Kind.ShouldBe("xfs");
    }

    private async Task<IReadOnlyList<EventReport>> Events() => await _host.Api.ToldAsync().ToListAsync();
}
