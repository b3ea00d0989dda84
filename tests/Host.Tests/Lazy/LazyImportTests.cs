using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.NvmeOf;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Volumes that are used before their image is copied, by a guest over the user-space target.</summary>
public sealed class LazyImportTests
{
    private const int Length = (16 << 20) + (3 * 512);   // it ends in a granule

    [Fact]
    public async Task A_guest_reads_the_image_and_what_it_wrote_while_nothing_is_copied()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        Random random = new(1);
        await using GuestDisk guest = await host.ConnectAsync(host.WriteImage(Length));

        for (int act = 0; act < 300; act++)
        {
            await guest.ActAsync(random);
        }

        await guest.ReadAsync(0, Length);
        LazyReport report = (await host.ReportAsync()).ShouldNotBeNull();
        (report.State, report.Problem, report.Size).ShouldBe((LazyReport.Copying, null, new ByteSize(Length)));
        report.Copied.Bytes.ShouldBeLessThan(Length / 2);
    }

    [Fact]
    public async Task The_copy_never_overwrites_what_a_guest_wrote_and_leaves_an_ordinary_volume()
    {
        await using LazyHost host = await LazyHost.StartAsync(8 << 20);
        Random random = new(2);
        await using GuestDisk guest = await host.ConnectAsync(host.WriteImage(Length));

        while (await host.ReportAsync() is not null)
        {
            await guest.ActAsync(random);
        }

        await guest.ActAsync(random);
        await guest.ReadAsync(0, Length);
        await host.RequireOrdinaryAsync(guest.Model);
        SnapshotName after = new(new("vm1"), "after");
        await host.Engine.DoAsync(
            new ResizeVolume { Pool = TestEngine.Pool, Volume = new("vm1"), Size = new(32 << 20) }, new RemoveExport { Pool = TestEngine.Pool, Volume = new("vm1") }, new TakeSnapshots { Pool = TestEngine.Pool, Snapshots = [after] });
    }

    [Fact]
    public async Task A_restart_goes_on_where_it_was_without_being_asked()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        Random random = new(3);
        byte[] model = host.WriteImage(Length);
        await using (GuestDisk guest = await host.ConnectAsync(model))
        {
            for (int act = 0; act < 100; act++)
            {
                await guest.ActAsync(random);
            }
        }

        await host.RestartAsync(LazyHost.HeldBack);
        await using (GuestDisk guest = await host.ReconnectAsync(model))
        {
            await guest.ReadAsync(0, Length / 2048 * 512);
            await guest.ActAsync(random);
        }

        await host.RestartAsync(0);
        await host.RequireOrdinaryAsync(model);
    }

    [Fact]
    public async Task What_a_guest_gives_up_is_not_copied_and_reads_as_zeros()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        await using GuestDisk guest = await host.ConnectAsync(host.WriteImage(Length));

        await guest.DiscardAsync((4 << 20) + 512, (8 << 20) - 1024);
        guest.Model.AsSpan((4 << 20) + 4096, (8 << 20) - 8192).Clear();
        await guest.ReadAsync(0, Length);

        await host.RestartAsync(0);
        await host.RequireOrdinaryAsync(guest.Model);
    }

    [Fact]
    public async Task What_would_take_a_part_of_it_for_all_is_refused_and_a_deletion_is_not()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        byte[] model = host.WriteImage(Length);
        (await host.ImportAsync(LazyHost.Request())).State.ShouldBe(OperationState.Succeeded);
        string map = Directory.EnumerateDirectories(Path.Combine(host.Engine.PoolPath, "volumes"), "tmp-*").ShouldHaveSingleItem();
        SnapshotName now = new(new("vm1"), "now");
        using SafeFileHandle saved = File.OpenHandle(host.Engine["saved.img"], FileMode.CreateNew, FileAccess.ReadWrite);
        ChangeRequest[] refused =
            [
                new TakeSnapshots { Pool = TestEngine.Pool, Snapshots = [now] },
                new ResizeVolume { Pool = TestEngine.Pool, Volume = new("vm1"), Size = new(32 << 20) },
                new RollBack { Pool = TestEngine.Pool, Snapshot = now },
                new CloneSnapshot { Pool = TestEngine.Pool, Snapshot = now, NewVolume = new("vm2") },
                new SaveImage { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "saved.img" },
                new FinishImport { Pool = TestEngine.Pool, Volume = new("vm1") },
                new DeleteVolume { Pool = TestEngine.Pool, Volume = new(Path.GetFileName(map)) },
            ];

        foreach (ChangeRequest request in refused)
        {
            (await Should.ThrowAsync<StorageException>(() => host.Engine.RunAsync(request, request is SaveImage ? saved : null), $"{request}")).Kind.ShouldBe(StorageErrorKind.Busy);
        }

        await host.Engine.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
        Directory.EnumerateFileSystemEntries(Path.Combine(host.Engine.PoolPath, "volumes")).ShouldBeEmpty();
        (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
        model.Length.ShouldBe(Length);
    }

    [Fact]
    public async Task It_needs_a_daemon_and_an_image_that_is_read_in_any_order()
    {
        await using LazyHost host = await LazyHost.StartAsync(0);
        host.WriteImage(1 << 20);
        await using FileStream stream = File.OpenRead(host.Engine["disk.img"]);

        (await Should.ThrowAsync<StorageException>(() => host.Engine.RunPipedAsync(LazyHost.Request() with { Size = new(1 << 20) }, stream))).Message.ShouldContain("import it without --lazy");
        (await Should.ThrowAsync<StorageException>(() => host.ImportAsync(LazyHost.Request() with { Verify = true }))).Message.ShouldContain("leave --verify out");
        await host.Engine.EndAsync();
        await host.Engine.StartAsync();
        StorageException refused = await Should.ThrowAsync<StorageException>(() => host.ImportAsync(LazyHost.Request()));

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain("evestorage serve");
        Directory.Exists(Path.Combine(host.Engine.PoolPath, "volumes")).ShouldBeFalse();
    }

    [Fact]
    public async Task One_that_is_left_without_a_daemon_is_told_by_doctor()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        host.WriteImage(Length);
        (await host.ImportAsync(LazyHost.Request())).State.ShouldBe(OperationState.Succeeded);
        await host.Engine.EndAsync();
        await host.Engine.StartAsync();

        (await host.ReportAsync()).ShouldNotBeNull().State.ShouldBe(LazyReport.Stopped);
        Finding finding = (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldHaveSingleItem();

        (finding.Subject, finding.Command).ShouldBe(("data/vm1", "evestorage serve"));
    }

    [Fact]
    public async Task An_image_that_is_another_one_by_its_digest_leaves_a_volume_that_can_only_be_saved_or_deleted()
    {
        await using LazyHost host = await LazyHost.StartAsync(0);
        byte[] model = host.WriteImage(4 << 20);
        await using GuestDisk guest = await host.ConnectAsync(model, LazyHost.Request() with { Sha256 = new('0', 64) });

        await host.UntilAsync(static report => report!.State == LazyReport.Refused);
        await Should.ThrowAsync<StorageException>(async () => await guest.TryReadAsync(0, 4096));
        await Should.ThrowAsync<StorageException>(async () => await guest.WriteAsync(0, new byte[4096]));
        await host.RestartAsync(0);

        (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldHaveSingleItem().Message.ShouldContain("another SHA-256");
        using (SafeFileHandle saved = File.OpenHandle(host.Engine["saved.img"], FileMode.CreateNew, FileAccess.ReadWrite))
        {
            (await host.Engine.RunAsync(new SaveImage { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "saved.img" }, saved)).State.ShouldBe(OperationState.Succeeded);
        }

        (await File.ReadAllBytesAsync(host.Engine["saved.img"], TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(model).ShouldBeTrue();
        await host.Engine.DoAsync(new RemoveExport { Pool = TestEngine.Pool, Volume = new("vm1") }, new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
    }

    [Fact]
    public async Task An_image_of_the_right_digest_is_taken()
    {
        await using LazyHost host = await LazyHost.StartAsync(0);
        byte[] model = host.WriteImage(4 << 20);

        (await host.ImportAsync(LazyHost.Request() with { Sha256 = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(model)) })).State.ShouldBe(OperationState.Succeeded);

        await host.RequireOrdinaryAsync(model);
    }
}
