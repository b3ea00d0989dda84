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
        await WriteAsync(pool, 0, 1);
        await said.SayAsync("A pool's drives are named for life and healthy", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Drives.Count == 4 && status.Drives.Any(drive => drive.Name == first.Identity), string.Join(", ", status.Drives));
            Sentences.Require(status.Health == PoolHealth.Healthy, string.Join("; ", status.Problems));
        });
        await said.SayAsync("A pool is checked, and says what the check found", async () =>
        {
            await Machine.RunAsync(((IScrubbablePool)pool).PlanScrubAsync(default));
            await UntilAsync(async () => (await pool.GetStatusAsync(default)).Scrub is { Running: false, Errors: 0 }, "the check does not end");
        });
        await Machine.ShellAsync($"echo 1 > /sys/block/{first.Name}/device/delete");
        await said.SayAsync("A pool that has lost a drive goes on", () => WriteAsync(pool, 1 << 20, 2));
        await said.SayAsync("Its status names the missing drive and the repair", async () =>
        {
            DriveStatus? missing = null;
            await UntilAsync(async () => (missing = (await pool.GetStatusAsync(default)).Drives.FirstOrDefault(drive => drive.Health == PoolHealth.Failed)) is not null, "no drive has failed");
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
            await RequireAsync(pool, 0, 1);
            await RequireAsync(pool, 1 << 20, 2);
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
            await RequireAsync(pool, 0, 1);
        });
    }

    private static async Task UntilAsync(Func<Task<bool>> holdsAsync, string otherwise)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(5));
        while (!await holdsAsync())
        {
            Sentences.Require(!limit.IsCancellationRequested, otherwise);
            await Task.Delay(500);
        }
    }

    private static async Task WriteAsync(IStoragePool pool, long offset, byte value)
    {
        byte[] page = new byte[4096];
        Array.Fill(page, value);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.ReadWrite, default);
        await blocks.WriteAsync(offset, page, WriteDurability.Stable, default);
    }

    private static async Task RequireAsync(IStoragePool pool, long offset, byte value)
    {
        byte[] page = new byte[4096];
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.Read, default);
        await blocks.ReadAsync(offset, page, default);
        Sentences.Require(page.All(b => b == value), $"the bytes at {offset} are {page[0]}");
    }
}
