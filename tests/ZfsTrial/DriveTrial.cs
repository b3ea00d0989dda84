using EveStorage.Linux;

namespace EveStorage.ZfsTrial;

/// <summary>Drives that fail: <c>drives SCSI SCSI SCSI SCSI SPARE</c>, a raidz1 of the first four.</summary>
internal static class DriveTrial
{
    private static readonly VolumeName s_volume = new("kept");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("four", new() { Compression = "zstd" }, drives[..4]);
        Drive first = Drive.Find(drives[0])!;
        await machine.CreateAsync(PoolRedundancy.Parity);
        await using IStoragePool pool = await machine.OpenAsync();
        await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = s_volume, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), $"{s_volume}");
        await Pages.WriteAsync(pool, s_volume, 0, 1);
        await said.SayAsync("A pool's drives are named for life and healthy", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Drives.Count == 4 && status.Drives.Any(drive => drive.Name == first.Identity), string.Join(", ", status.Drives));
            Sentences.Require(status.Health == PoolHealth.Healthy, string.Join("; ", status.Problems));
        });
        await said.SayAsync("A pool is checked, and says what the check found", async () =>
        {
            await Machine.RunAsync(((IScrubbablePool)pool).PlanScrubAsync(default));
            await Pages.UntilAsync(async () => (await pool.GetStatusAsync(default)).Scrub is { Running: false, Errors: 0 }, "the check does not end");
        });
        await Machine.ShellAsync($"echo 1 > /sys/block/{first.Name}/device/delete");
        await said.SayAsync("A pool that has lost a drive goes on", () => Pages.WriteAsync(pool, s_volume, 1 << 20, 2));
        await said.SayAsync("Its status names the missing drive and the repair", async () =>
        {
            DriveStatus? missing = null;
            await Pages.UntilAsync(async () => (missing = (await pool.GetStatusAsync(default)).Drives.FirstOrDefault(drive => drive.Health == PoolHealth.Failed)) is not null, "no drive has failed");
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health == PoolHealth.Degraded, $"its health is {status.Health}");
            Sentences.Require(missing!.Name == first.Identity, $"it is called {missing.Name}, and was {first.Identity}");
            Sentences.Require(missing.Problem?.Contains("pool replace", StringComparison.Ordinal) == true, string.Join(", ", status.Drives));
        });
        await said.SayAsync("A drive in its place heals the pool", async () =>
        {
            await Machine.RunAsync(((IDrivePool)pool).PlanReplaceDriveAsync(first.Identity, drives[4], default));
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health == PoolHealth.Healthy && status.Drives.Count == 4, string.Join("; ", status.Problems));
            Sentences.Require(status.Drives.Any(drive => drive.Name == Drive.Find(drives[4])!.Identity), string.Join(", ", status.Drives));
            await Pages.RequireAsync(pool, s_volume, 0, 1);
            await Pages.RequireAsync(pool, s_volume, 1 << 20, 2);
        });
        await said.SayAsync("A drive that works is replaced, and is blank then", async () =>
        {
            await Machine.ShellAsync("for host in /sys/class/scsi_host/*/scan; do echo '- - -' > $host; done; sleep 2");
            await Machine.ShellAsync($"d=$(lab-disk {drives[0].Split(':')[1]}); wipefs -qa ${{d}}1 $d");
            await Machine.RunAsync(((IDrivePool)pool).PlanReplaceDriveAsync(drives[1], drives[0], default));
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health == PoolHealth.Healthy, string.Join("; ", status.Problems));
            string left = await Machine.ShellAsync($"wipefs --noheadings $(lab-disk {drives[1].Split(':')[1]})");
            Sentences.Require(left.Trim().Length == 0, left);
            await Pages.RequireAsync(pool, s_volume, 0, 1);
        });
        await said.SayAsync("A replacement that is lost before it holds all of a drive leaves that its place when it is undone", () => LoseReplacementAsync((IDrivePool)pool, drives[2], drives[1]));
    }

    private static async Task LoseReplacementAsync(IDrivePool pool, string drive, string replacement)
    {
        Plan plan = await pool.PlanReplaceDriveAsync(drive, replacement, default);
        using CancellationTokenSource stop = new();
        // So slowly that it does not end before the drive is gone.
        await Machine.ShellAsync("echo 1 > /sys/module/zfs/parameters/zfs_scan_suspend_progress");
        Task<IReadOnlyList<StorageStep>> running = Machine.RunAsync(plan, new OperationRequest { Id = Guid.NewGuid() }, stop.Token);
        await Pages.UntilAsync(async () => (await Machine.ShellAsync("zpool status evestorage-four")).Contains("replacing", StringComparison.Ordinal), "it does not begin");
        await Machine.ShellAsync($"echo 1 > /sys/block/{Drive.Find(replacement)!.Name}/device/delete");
        await Pages.WriteAsync(pool, s_volume, 2 << 20, 3);
        await Pages.UntilAsync(async () => (await pool.GetStatusAsync(default)).Drives.Any(there => there.Health == PoolHealth.Failed), "no drive has failed");
        await stop.CancelAsync();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // and undone
        }

        await Machine.ShellAsync("echo 0 > /sys/module/zfs/parameters/zfs_scan_suspend_progress");
        await Pages.UntilAsync(async () => await pool.GetStatusAsync(default) is { Health: PoolHealth.Healthy, Drives.Count: 4, Scrub.Running: false }, "the pool is not as it was");
        string left = await Machine.ShellAsync("zpool status evestorage-four");
        Sentences.Require(!left.Contains("replacing", StringComparison.Ordinal), left);
        await Pages.RequireAsync(pool, s_volume, 2 << 20, 3);
    }
}
