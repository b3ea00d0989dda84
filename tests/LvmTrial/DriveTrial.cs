using EveStorage.Linux;
using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>Drives that fail: <c>drives SCSI DRIVE SPARE</c>, a mirror of the first two.</summary>
internal static class DriveTrial
{
    private static readonly VolumeName s_volume = new("kept");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("mirror", new() { MaxVolumes = 16 }, drives[..2]);
        Drive first = Drive.Find(drives[0])!;
        await machine.CreateAsync(PoolRedundancy.Mirror);
        await using IStoragePool pool = await machine.OpenAsync();
        await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = s_volume, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), $"{s_volume}");
        await Pages.WriteAsync(pool, s_volume, 0, 1);
        await said.SayAsync("A mirror's drives are named for life and healthy", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Drives.Count == 2 && status.Drives.Any(drive => drive.Name == first.Identity), string.Join(", ", status.Drives));
            Sentences.Require(status.Health == PoolHealth.Healthy, string.Join("; ", status.Problems));
        });
        await said.SayAsync("A mirror is checked", async () => await Machine.RunAsync(((IScrubbablePool)pool).PlanScrubAsync(default)));
        await SettleAsync(pool);
        await SayOfErrorsAsync(said, pool, first);
        await Machine.ShellAsync($"echo 1 > /sys/block/{first.Name}/device/delete");
        await said.SayAsync("A mirror that has lost a drive goes on", () => Pages.WriteAsync(pool, s_volume, 1 << 20, 2));
        await said.SayAsync("Its status names the missing drive and the repair", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            DriveStatus? missing = status.Drives.FirstOrDefault(drive => drive.Path is null);
            Sentences.Require(status.Health == PoolHealth.Degraded, $"its health is {status.Health}");
            Sentences.Require(missing?.Problem?.Contains("pool replace", StringComparison.Ordinal) == true, string.Join(", ", status.Drives));
        });
        await said.SayAsync("A drive in its place heals the mirror", async () =>
        {
            string name = (await pool.GetStatusAsync(default)).Drives.First(drive => drive.Path is null).Name;
            await Machine.RunAsync(((IDrivePool)pool).PlanReplaceDriveAsync(name, drives[2], default));
            await SettleAsync(pool);
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health == PoolHealth.Healthy && status.Drives.Count == 2, string.Join("; ", status.Problems));
            await Pages.RequireAsync(pool, s_volume, 0, 1);
            await Pages.RequireAsync(pool, s_volume, 1 << 20, 2);
        });
    }

    // A drive that is there and fails all that it is asked, and later none of it: the kernel has let that copy go by then.
    private static async Task SayOfErrorsAsync(Sentences said, IStoragePool pool, Drive drive)
    {
        await Machine.ShellAsync($"echo offline > /sys/block/{drive.Name}/device/state");
        await said.SayAsync("A mirror one of whose drives fails every call goes on", () => Pages.WriteAsync(pool, s_volume, 2 << 20, 3));
        await said.SayAsync("Its status says so", async () => Sentences.Require((await pool.GetStatusAsync(default)).Health == PoolHealth.Degraded, "it is called healthy"));
        await Machine.ShellAsync($"echo running > /sys/block/{drive.Name}/device/state");
        await said.SayAsync("A drive that is back and out of date is told of, with what brings it up to date", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Problems.Any(problem => problem.Contains("pool scrub", StringComparison.Ordinal)), $"{status.Health}: {string.Join("; ", status.Problems)}");
        });
        await said.SayAsync("That heals it", async () =>
        {
            await Machine.RunAsync(((IScrubbablePool)pool).PlanScrubAsync(default));
            await SettleAsync(pool);
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health == PoolHealth.Healthy, string.Join("; ", status.Problems));
            await Pages.RequireAsync(pool, s_volume, 2 << 20, 3);
        });
    }

    // The copies are made by the kernel meanwhile.
    private static Task SettleAsync(IStoragePool pool)
        => Pages.UntilAsync(async () => (await pool.GetStatusAsync(default)).Scrub is { Running: false }, "its copies are still being made");
}
