using EveStorage.Cli.Api;
using EveStorage.Host.Locks;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class StorageEngineTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task An_imported_image_saves_as_the_bytes_it_had()
    {
        byte[] disk = Disk(9 << 20);
        await File.WriteAllBytesAsync(_host["disk.img"], disk);
        using (SafeFileHandle image = File.OpenHandle(_host["disk.img"]))
        {
            OperationReport imported = await _host.RunAsync(TestEngine.Import("vm1", "raw"), image);
            imported.State.ShouldBe(OperationState.Succeeded, imported.Error?.Message);
            imported.Results["sha256"].ShouldBe(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(disk)));
        }

        using (SafeFileHandle copy = File.OpenHandle(_host["copy.img"], FileMode.CreateNew, FileAccess.ReadWrite))
        {
            SaveImage save = new() { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "copy.img" };
            (await _host.RunAsync(save, copy)).State.ShouldBe(OperationState.Succeeded);
        }

        (await File.ReadAllBytesAsync(_host["copy.img"])).AsSpan().SequenceEqual(disk).ShouldBeTrue();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Name.ShouldBe(new VolumeName("vm1"));
    }

    [Fact]
    public async Task An_import_that_is_cancelled_leaves_nothing()
    {
        await File.WriteAllBytesAsync(_host["disk.img"], Disk(64 << 20));
        using SafeFileHandle image = File.OpenHandle(_host["disk.img"]);
        Guid id = await _host.Api.SubmitAsync(TestEngine.Import("vm1", "raw"), image, default);
        OperationState state = OperationState.Running;
        await foreach (OperationReport report in _host.Api.WatchOperationAsync(id, default))
        {
            state = report.State;
            if (report.Steps[1].Outcome == "running")
            {
                await _host.Api.CancelOperationAsync(id, default);
            }
        }

        state.ShouldBe(OperationState.Cancelled);
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).ShouldBeEmpty();
        await _host.Api.CancelOperationAsync(id, default);   // it has ended: nothing to do
    }

    [Fact]
    public async Task A_plan_shows_its_steps_and_does_none()
    {
        PlanReport plan = await _host.Api.PlanAsync(TestEngine.Create("vm1"), null, default);

        plan.Steps.ShouldBe([new PlannedStep("create data/vm1 of 4MiB", "change")]);
        (await _host.Api.ListVolumesAsync(null, default)).ShouldBeEmpty();
        (await _host.Api.ListOperationsAsync(default)).ShouldHaveSingleItem();   // the pool's
    }

    [Fact]
    public async Task A_volume_lives_from_snapshot_to_rollback_clone_and_growth()
    {
        SnapshotName before = new(new("vm1"), "before");
        await _host.DoAsync(
            TestEngine.Create("vm1"),
            new TakeSnapshots { Pool = TestEngine.Pool, Snapshots = [before] },
            new CloneSnapshot { Pool = TestEngine.Pool, Snapshot = before, NewVolume = new("vm2") },
            new RollBack { Pool = TestEngine.Pool, Snapshot = before },
            new ResizeVolume { Pool = TestEngine.Pool, Volume = new("vm1"), Size = ByteSize.MiB(8) });

        IReadOnlyList<VolumeReport> volumes = await _host.Api.ListVolumesAsync(TestEngine.Pool, default);
        volumes.Select(volume => $"{volume.Name} {volume.Size} {volume.Snapshots.Count}").ShouldBe(["vm1 8MiB 1", "vm2 4MiB 0"]);

        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") })))
            .Kind.ShouldBe(StorageErrorKind.Busy);
        await _host.DoAsync(
            new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1"), WithSnapshots = true },
            new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm2") },
            new DeletePool { Pool = TestEngine.Pool });
        (await _host.Api.GetPoolAsync(TestEngine.Pool, default)).Created.ShouldBeFalse();
    }

    [Fact]
    public async Task An_export_that_would_end_with_a_command_is_refused_and_says_what_to_start()
    {
        await _host.DoAsync(TestEngine.Create("vm1"));

        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(TestEngine.Export("vm1")));

        e.Kind.ShouldBe(StorageErrorKind.Unavailable);
        e.Message.ShouldContain("evestorage serve");
    }

    [Fact]
    public async Task Exports_come_back_under_the_same_ids_after_a_restart()
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        await _host.DoAsync(TestEngine.Create("vm1"), TestEngine.Export("vm1"));
        ExportReport before = (await _host.Api.ListExportsAsync(default)).ShouldHaveSingleItem();

        await _host.EndAsync();
        await _host.StartAsync(serve: true);

        ExportReport after = (await _host.Api.ListExportsAsync(default)).ShouldHaveSingleItem();
        after.Address.ShouldNotBeNull();
        (after.VolumeId, after.Subsystem, after.NamespaceId).ShouldBe((before.VolumeId, before.Subsystem, before.NamespaceId));
        after.AllowedHosts.ShouldBe([$"{TestEngine.Guest}"]);
    }

    [Fact]
    public async Task An_exported_volume_is_not_deleted_until_its_export_is_removed()
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        await _host.DoAsync(TestEngine.Create("vm1"), TestEngine.Export("vm1"));
        DeleteVolume delete = new() { Pool = TestEngine.Pool, Volume = new("vm1") };

        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(delete))).Kind.ShouldBe(StorageErrorKind.Busy);

        await _host.DoAsync(new RemoveExport { Pool = TestEngine.Pool, Volume = new("vm1") }, delete);
        (await _host.Api.ListExportsAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_volume_grows_while_it_is_exported()
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        await _host.DoAsync(
            TestEngine.Create("vm1"), TestEngine.Export("vm1"), new ResizeVolume { Pool = TestEngine.Pool, Volume = new("vm1"), Size = ByteSize.MiB(8) });

        VolumeReport volume = await _host.Api.GetVolumeAsync(TestEngine.Pool, new("vm1"), default);

        volume.Size.ShouldBe(ByteSize.MiB(8));
        volume.Exports.ShouldHaveSingleItem().Address.ShouldNotBeNull();
    }

    [Fact]
    public async Task Two_changes_of_one_volume_do_not_run_at_once_and_the_second_names_the_first()
    {
        await File.WriteAllBytesAsync(_host["disk.img"], Disk(8 << 20));
        using SafeFileHandle image = File.OpenHandle(_host["disk.img"]);
        using Linux.FileLock held = Linux.FileLock.TryAcquire(Path.Combine(_host.PoolPath, "lock"), "the test")!;
        Guid first = await _host.Api.SubmitAsync(TestEngine.Import("vm1", "raw"), image, default);

        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(TestEngine.Create("vm1")));

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain($"operation {first}");
    }

    [Fact]
    public async Task The_doctor_names_an_operation_that_needs_a_person_until_it_was_done_again()
    {
        ResizeVolume resize = new() { Pool = TestEngine.Pool, Volume = new("vm1"), Size = ByteSize.MiB(8) };
        await _host.DoAsync(TestEngine.Create("vm1"), resize);
        string path = Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json").MaxBy(File.GetLastWriteTimeUtc)!;
        string stuck = (await File.ReadAllTextAsync(path)).Replace("\"succeeded\"", "\"needs-attention\"", StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, stuck);
        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem().Command.ShouldBe($"evestorage operation show {Path.GetFileNameWithoutExtension(path)}");

        await _host.DoAsync(resize);

        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_doctor_names_a_volume_that_no_operation_will_finish()
    {
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        Guid lost = Guid.NewGuid();
        await _host.DoAsync(TestEngine.Create("vm1"));
        await _host.EndAsync();
        Directory.Move(Path.Combine(_host.PoolPath, "volumes/vm1"), Path.Combine(_host.PoolPath, $"volumes/{VolumeName.ForOperation(lost)}"));
        await _host.StartAsync();
        foreach (string journal in Directory.EnumerateFiles(Path.Combine(_host.State, "operations")))
        {
            File.Delete(journal);
        }

        Finding finding = (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem();

        finding.Subject.ShouldBe($"data/{VolumeName.ForOperation(lost)}");
        (await _host.Api.ListVolumesAsync(null, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Volumes_that_share_a_subsystem_have_numbers_of_their_own_and_one_of_somebody_else_is_refused()
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        AddExport first = TestEngine.Export("vm1") with { Subsystem = $"{Nqn.OwnPrefix}shared" };
        AddExport second = TestEngine.Export("vm2") with { Subsystem = first.Subsystem };
        await _host.DoAsync(TestEngine.Create("vm1"), TestEngine.Create("vm2"), first, second, first);

        (await _host.Api.ListExportsAsync(default)).Select(export => export.NamespaceId).Order().ShouldBe([1, 2]);
        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(first with { Subsystem = "nqn.2014-08.org.other:x" }))).Kind
            .ShouldBe(StorageErrorKind.InvalidConfiguration);
    }

    [Fact]
    public async Task An_export_waits_for_another_one_that_begins_or_ends_since_they_share_ports_and_hosts()
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        await _host.DoAsync(TestEngine.Create("vm1"));
        Task exported;
        using (HeldLock.TryTake(Path.Combine(_host["run"], "locks", "exports.lock"), "another export").ShouldNotBeNull())
        {
            exported = _host.RunAsync(TestEngine.Export("vm1"));
            (await Task.WhenAny(exported, Task.Delay(TimeSpan.FromMilliseconds(300)))).ShouldNotBe(exported);
        }

        await exported;
        (await _host.Api.ListExportsAsync(default)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_name_of_what_is_not_whole_yet_is_given_to_nothing_and_may_only_be_deleted()
    {
        VolumeName temporary = VolumeName.ForOperation(Guid.NewGuid());
        ChangeRequest[] refused =
        [
            TestEngine.Create($"{temporary}"), TestEngine.Export($"{temporary}"), TestEngine.Import($"{temporary}", "raw"),
            new CloneSnapshot { Pool = TestEngine.Pool, Snapshot = new(new("vm1"), "s"), NewVolume = temporary },
        ];
        foreach (ChangeRequest request in refused)
        {
            (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(request))).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
            (await Should.ThrowAsync<StorageException>(() => _host.Api.PlanAsync(request, null, default))).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        }

        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = temporary }))).Kind.ShouldBe(StorageErrorKind.NotFound);
    }

    // Data, then a hole, then data: what a disk looks like.
    private static byte[] Disk(int length)
    {
        byte[] disk = new byte[length];
        new Random(1).NextBytes(disk.AsSpan(0, length / 3));
        new Random(2).NextBytes(disk.AsSpan(length / 2, length / 3));
        return disk;
    }
}
