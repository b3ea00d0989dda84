using EveStorage.Linux;

namespace EveStorage.ZfsTrial;

/// <summary>What a pool needs now and then: <c>care SCSI SCSI</c>, an encrypted mirror.</summary>
internal static class CareTrial
{
    private static readonly VolumeName s_volume = new("kept");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("cared", new() { Encryption = "aes-256-gcm" }, drives[..2]);
        string[] names = [.. drives.Select(drive => Drive.Find(drive)!.Identity)];
        await machine.CreateAsync(PoolRedundancy.Mirror);
        await using (IStoragePool pool = await machine.OpenAsync())
        {
            await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = s_volume, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), $"{s_volume}");
            await Pages.WriteAsync(pool, s_volume, 0, 1);
            await said.SayAsync("A pool says how much memory is kept for it", async () =>
                Sentences.Require((await pool.GetStatusAsync(default)).ReservedMemory is { Used.Bytes: > 0 } memory && memory.Size > memory.Used, "it says nothing that could be"));
            await said.SayAsync("... and what its volumes hold, and its snapshots take, by ZFS's own count", async () =>
            {
                await Machine.RunAsync(((ISnapshotPool)pool).PlanSnapshotAsync([new(s_volume, "before")], default), "kept@before");
                await Pages.WriteAsync(pool, s_volume, 0, 3);
                await Machine.ShellAsync("zpool sync");
                PoolStatus status = await pool.GetStatusAsync(default);
                VolumeInfo? volume = await pool.FindVolumeAsync(s_volume, default);
                Sentences.Require(status is { Logical.Bytes: > 0, AllocatedBySnapshots.Bytes: > 0 } && volume!.AllocatedBySnapshots == status.AllocatedBySnapshots, $"{status}, {volume}");
                await Machine.RunAsync(((ISnapshotPool)pool).PlanDeleteSnapshotAsync(new(s_volume, "before"), default));
                await Pages.WriteAsync(pool, s_volume, 0, 1);
            });
            await OfflineAsync(said, (IDriveRestPool)pool, names);
            await CheckAsync(said, (IPausableScrubPool)pool);
            await TrimAsync(said, (ITrimmablePool)pool);
        }

        await RekeyAsync(said, machine);
    }

    private static async Task OfflineAsync(Sentences said, IDriveRestPool pool, string[] names)
    {
        await said.SayAsync("A drive is used no more, and the pool is degraded and serves", async () =>
        {
            await Machine.RunAsync(pool.PlanOfflineDriveAsync(names[0], default));
            PoolStatus status = await pool.GetStatusAsync(default);
            DriveStatus drive = status.Drives.Single(drive => drive.Name == names[0]);
            Sentences.Require(status.Health == PoolHealth.Degraded && drive.Health == PoolHealth.Failed, $"{status.Health}, {drive}");
            Sentences.Require(drive.Problem!.Contains("pool online", StringComparison.Ordinal), drive.Problem);
            await Pages.WriteAsync(pool, s_volume, 1 << 20, 2);
        });
        await said.SayAsync("The last one that has all of it stays in use", async () =>
        {
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => Machine.RunAsync(pool.PlanOfflineDriveAsync(names[1], default)));
            Sentences.Require(e.Message.Contains(names[1], StringComparison.Ordinal), e.Message);
        });
        await said.SayAsync("It is used again, and brought up to date", async () =>
        {
            Plan plan = await pool.PlanOnlineDriveAsync(names[0], default);
            Sentences.Require(plan.Steps[0].Expected == StepEffect.Change, $"{plan.Steps[0].Expected}");
            await Machine.RunAsync(new ValueTask<Plan>(plan));
            await Pages.UntilAsync(async () => await pool.GetStatusAsync(default) is { Health: PoolHealth.Healthy, Scrub.Running: false }, "it does not heal");
            Sentences.Require((await pool.PlanOnlineDriveAsync(names[0], default)).Steps[0].Expected == StepEffect.AlreadySo, "it would do that again");
            await Pages.RequireAsync(pool, s_volume, 1 << 20, 2);
        });
    }

    private static async Task CheckAsync(Sentences said, IPausableScrubPool pool)
    {
        await said.SayAsync("A check is interrupted, rests, goes on and ends, and says when", async () =>
        {
            // Slowly, so that there is something to interrupt.
            await Machine.ShellAsync("dd if=/dev/urandom of=/dev/zvol/evestorage-cared/volumes/kept bs=1M count=60 conv=nocreat oflag=direct status=none; echo 1 > /sys/module/zfs/parameters/zfs_scan_suspend_progress");
            await Machine.RunAsync(pool.PlanScrubAsync(default));
            await Machine.RunAsync(pool.PlanPauseScrubAsync(default));
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Scrub is { Paused: true, Running: false }, $"{status.Scrub}");
            Console.WriteLine(await Machine.ShellAsync("zpool status -p evestorage-cared | grep -A4 scan:"));
            await Machine.ShellAsync("echo 0 > /sys/module/zfs/parameters/zfs_scan_suspend_progress");
            await Machine.RunAsync(pool.PlanScrubAsync(default));
            await Pages.UntilAsync(async () => (await pool.GetStatusAsync(default)).Scrub is { Running: false, Paused: false, Errors: 0 }, "the check does not end");
            ScrubStatus ended = (await pool.GetStatusAsync(default)).Scrub!;
            Sentences.Require(ended.Ended is DateTimeOffset when && TimeProvider.System.GetUtcNow() - when < TimeSpan.FromMinutes(10), $"{ended}");
        });
    }

    private static async Task TrimAsync(Sentences said, ITrimmablePool pool)
    {
        await said.SayAsync("Drives are told what is not used, which ends, and says when; or can't be told", async () =>
        {
            try
            {
                await Machine.RunAsync(pool.PlanTrimAsync(default));
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                return;
            }

            await Pages.UntilAsync(async () => (await pool.GetStatusAsync(default)).Trim is { Running: false, Paused: false, Ended: not null }, "it does not end");
        });
    }

    private static async Task RekeyAsync(Sentences said, Machine machine)
    {
        KeyName next = new("pool-cared-next");
        await said.SayAsync("A new key opens the pool, and the one before no more", async () =>
        {
            await using (IStoragePool pool = await machine.OpenAsync())
            {
                IRekeyablePool rekeyable = (IRekeyablePool)pool;
                Sentences.Require(rekeyable.Key == new KeyName("pool-cared"), $"{rekeyable.Key}");
                await Machine.RunAsync(rekeyable.PlanRekeyAsync(next, default));
                Sentences.Require(rekeyable.Key == next, $"{rekeyable.Key}");
            }

            await Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default));
            await using IStoragePool again = await machine.OpenAsync();
            await Pages.RequireAsync(again, s_volume, 62 << 20, 0);
            string before = await Machine.ShellAsync("zfs get -Hp -o value evestorage:pool.key evestorage-cared; printf %s \"$(head -c 32 /dev/zero | tr '\\0' 'K')\" | zfs load-key -n evestorage-cared/volumes 2>&1 || true");
            Sentences.Require(before.StartsWith($"{next}\n", StringComparison.Ordinal) && before.Contains("Incorrect key", StringComparison.Ordinal), before);
        });
        await said.SayAsync("A change of the key that was cut short before ZFS changed it, or after, leaves a pool that opens", async () =>
        {
            foreach (bool changed in (bool[])[false, true])
            {
                string key = changed ? "pool-cared-later" : "pool-cared-never";
                await Machine.ShellAsync($"zfs set evestorage:pool.key.next={key} evestorage-cared");
                if (changed)
                {
                    await Machine.ShellAsync($"head -c 32 /dev/zero | tr '\\0' '{(char)(key.Length + 'A')}' | zfs change-key -o keyformat=raw -o keylocation=prompt evestorage-cared/volumes");
                }

                await Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default));
                await (await machine.OpenAsync()).DisposeAsync();
                string now = (await Machine.ShellAsync("zfs get -Hp -o value evestorage:pool.key evestorage-cared")).Trim();
                Sentences.Require(now == (changed ? key : $"{next}"), now);
            }
        });
    }
}
