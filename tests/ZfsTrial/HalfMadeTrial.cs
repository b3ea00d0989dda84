using EveStorage.Linux;
using EveStorage.Zfs;

namespace EveStorage.ZfsTrial;

/// <summary>What a power cut leaves of a pool, or of a drive on its way into one or out of it: <c>half-made DRIVE DRIVE</c>.</summary>
internal static class HalfMadeTrial
{
    private static readonly VolumeName s_volume = new("kept");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("half", new(), drives[0]);
        PoolSpec spec = new() { Name = machine.Name, Devices = machine.Devices };
        foreach (bool undone in (bool[])[true, false])
        {
            await said.SayAsync($"A pool that was made and not finished, and is closed after the start, is {(undone ? "undone" : "finished")}", async () =>
            {
                OperationRequest request = EveStorage.Testing.RunningPlans.RequestFor($"pool:{machine.Name}");
                OperationContext context = EveStorage.Testing.RunningPlans.ContextOf(request);
                await (await machine.Backend.PlanCreatePoolAsync(spec, default)).Steps[0].ApplyAsync(context, default);
                await Machine.ShellAsync("zpool export evestorage-half");
                Plan again = await machine.Backend.PlanCreatePoolAsync(spec, default);
                if (undone)
                {
                    foreach (StorageStep step in again.Steps.Reverse())
                    {
                        await step.RevertAsync(context, default);
                    }

                    await RequireBlankAsync(drives[0]);
                    return;
                }

                await Machine.RunAsync(again, request, default);
                await (await machine.OpenAsync()).DisposeAsync();
            });
        }

        await machine.DeleteAsync();
        await said.SayAsync("A table of ZFS's that nobody claims is somebody's, and is refused", async () =>
        {
            await TableAsync(drives[0]);
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.CreateAsync(PoolRedundancy.None));
        });
        await said.SayAsync("One that we claim, where the power went before ZFS's labels, is taken for nothing", async () =>
        {
            DriveClaim.Put(Drive.Find(drives[0])!);
            await machine.CreateAsync(PoolRedundancy.None);
            Sentences.Require(!DriveClaim.IsOn(Drive.Find(drives[0])!), "it is claimed still");
        });
        await using IStoragePool pool = await machine.OpenAsync();
        await said.SayAsync("So it is for a drive that is taken in", async () =>
        {
            await TableAsync(drives[1]);
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default)));
            DriveClaim.Put(Drive.Find(drives[1])!);
            await Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default));
            Sentences.Require((await pool.GetStatusAsync(default)).Drives.Count == 2, "it is not in");
        });
        await LeaveAsync(said, (IDrivePool)pool, drives[1]);
    }

    private static async Task LeaveAsync(Sentences said, IDrivePool pool, string drive)
    {
        await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = s_volume, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), $"{s_volume}");
        for (int at = 0; at < 64; at++)
        {
            await Pages.WriteAsync(pool, s_volume, at << 20, (byte)at);
        }

        foreach (bool undone in (bool[])[true, false])
        {
            await said.SayAsync($"A drive that is being emptied when the host is killed {(undone ? "stays where that is undone" : "is let go, blank, when it is run again")}", async () =>
            {
                await Machine.ShellAsync("echo 1 > /sys/module/zfs/parameters/zfs_removal_suspend_progress");
                OperationRequest request = EveStorage.Testing.RunningPlans.RequestFor();
                using CancellationTokenSource killed = new();
                Task<StepOutcome> leaving = (await pool.PlanRemoveDriveAsync(drive, default)).Steps[0].ApplyAsync(EveStorage.Testing.RunningPlans.ContextOf(request), killed.Token).AsTask();
                await Pages.UntilAsync(async () => (await ((ZfsPool)pool).LookAsync(default)).Report.Drives.Any(vdev => vdev.IsLeaving), "it does not begin");
                await killed.CancelAsync();
                await leaving.ContinueWith(_ => { }, TaskScheduler.Default);
                StorageStep again = (await pool.PlanRemoveDriveAsync(drive, default)).Steps[0];
                if (undone)
                {
                    await again.RevertAsync(EveStorage.Testing.RunningPlans.ContextOf(request), default);
                    Sentences.Require((await ((ZfsPool)pool).LookAsync(default)).Report.Drives.Count(vdev => !vdev.IsLeaving) == 2, "it leaves still");
                    return;
                }

                await Machine.ShellAsync("echo 0 > /sys/module/zfs/parameters/zfs_removal_suspend_progress");
                await again.ApplyAsync(EveStorage.Testing.RunningPlans.ContextOf(request), default);
                Sentences.Require((await pool.GetStatusAsync(default)).Drives.Count == 1, "it is still there");
                await RequireBlankAsync(drive);
            });
        }

        await said.SayAsync("What it held is where it was", async () =>
        {
            for (int at = 0; at < 64; at++)
            {
                await Pages.RequireAsync(pool, s_volume, at << 20, (byte)at);
            }
        });
    }

    // As ZFS leaves a drive when the power goes before it has written its labels.
    private static Task<string> TableAsync(string drive) => Machine.ShellAsync($$"""
        d=$(lab-disk {{drive.Split(':')[1]}}); zpool create -m none -o cachefile=none table $d; zpool export table
        for at in 0 $(($(blockdev --getsz ${d}1) / 2048 - 1)); do dd if=/dev/zero of=${d}1 bs=1M seek=$at count=1 conv=nocreat oflag=direct status=none; done
        udevadm settle
        """);

    private static async Task RequireBlankAsync(string drive)
    {
        string left = await Machine.ShellAsync($"udevadm settle; d=$(lab-disk {drive.Split(':')[1]}); wipefs --noheadings $d; ls $d?* 2>/dev/null || true");
        Sentences.Require(left.Trim().Length == 0, left);
        Sentences.Require(!DriveClaim.IsOn(Drive.Find(drive)!), "it is claimed still");
    }
}
