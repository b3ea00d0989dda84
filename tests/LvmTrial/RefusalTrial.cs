using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>What is not ours: <c>refusals DRIVE DRIVE</c>, the first for a pool, the second to be refused.</summary>
internal static class RefusalTrial
{
    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        string other = $"$(lab-disk {drives[1].Split(':')[1]})";
        foreach ((string what, string make) in ((string, string)[])
        [
            ("a file system", $"mkfs.ext4 -q -E nodiscard {other}"), ("a volume group of somebody", $"pvcreate -q {other}; vgcreate -q theirs {other}"),
            ("a physical volume of nobody", $"pvcreate -q {other}"), ("swap", $"mkswap -q {other}"), ("a table of partitions", $"printf '\\0\\0\\0\\0\\203\\0\\0\\0\\1\\0\\0\\0\\0\\10\\0\\0' | dd of={other} bs=1 seek=446 conv=nocreat status=none; printf '\\125\\252' | dd of={other} bs=1 seek=510 conv=nocreat status=none"),
        ])
        {
            await Machine.ShellAsync(make);
            await said.SayAsync($"A drive with {what} is refused, and its bytes stay equal", async () =>
            {
                string before = await Machine.ShellAsync($"sha256sum < {other}");
                Machine machine = new("refused", new() { MaxVolumes = 16 }, drives[1]);
                await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.CreateAsync(PoolRedundancy.None));
                Sentences.Require(await Machine.ShellAsync($"sha256sum < {other}") == before, "they are other bytes");
            });
            await Machine.ShellAsync($"vgremove -q -y theirs 2>/dev/null || true; wipefs -qa {other}");
        }

        await ClaimsAsync(said, drives[1], other);
        await GuestsAsync(said, drives[0]);
    }

    private static async Task ClaimsAsync(Sentences said, string drive, string other)
    {
        await said.SayAsync("A drive that somebody uses is refused, though it has no signature", async () =>
        {
            await Machine.ShellAsync($"dmsetup create claims --table \"0 2048 linear {other} 0\"");
            Machine machine = new("claimed", new() { MaxVolumes = 16 }, drive);
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.CreateAsync(PoolRedundancy.None));
            await Machine.ShellAsync("dmsetup remove claims");
            Sentences.Require(e.Message.Contains("held by", StringComparison.Ordinal), e.Message);
        });
    }

    // A guest makes a volume group of the pool's very name inside its disk.
    private static async Task GuestsAsync(Sentences said, string drive)
    {
        Machine machine = new("mine", new() { MaxVolumes = 16, Overcommit = 2 }, drive);
        VolumeName guest = new("guest");
        await machine.CreateAsync(PoolRedundancy.None);
        await using IStoragePool pool = await machine.OpenAsync();
        await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = guest, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), "guest");
        await said.SayAsync("A volume group of the pool's name inside a guest's volume is not seen, activated or changed", async () =>
        {
            string path = pool.PathOf(guest);
            string inside = $"--config 'devices/scan_lvs=1' --devices {path}";
            await Machine.ShellAsync($"""
                mv /dev/evestorage-mine /dev/aside   # a guest has a /dev of its own
                pvcreate -q {inside} {path}; vgcreate -q {inside} evestorage-mine {path}
                lvcreate -q -y {inside} -an -Wn -Zn -L 8m -n inner evestorage-mine
                mv /dev/aside /dev/evestorage-mine
                """);
            string before = await Machine.ShellAsync($"sha256sum < {path}");
            await using (IStoragePool again = await machine.OpenAsync())
            {
                Sentences.Require((await again.ListVolumesAsync(default).ToListAsync()).Count == 1, "other volumes are listed");
                Sentences.Require((await again.GetStatusAsync(default)).Health == PoolHealth.Healthy, "the pool is not healthy");
                await Machine.RunAsync(again.PlanCreateAsync(new() { Name = new("second"), Form = VolumeForm.Block, Size = ByteSize.MiB(8) }, default), "second");
            }

            Sentences.Require(await Machine.ShellAsync("dmsetup ls | grep -c inner || true") is "0\n", "it was activated");
            Sentences.Require(await Machine.ShellAsync($"sha256sum < {path}") == before, "its bytes have changed");
        });
        await HeldAsync(said, machine, pool, guest, drive);
    }

    private static async Task HeldAsync(Sentences said, Machine machine, IStoragePool pool, VolumeName guest, string drive)
    {
        string whole = $"sha256sum < $(lab-disk {drive.Split(':')[1]})";
        string before = await Machine.ShellAsync(whole);
        await said.SayAsync("A volume that is larger than Overcommit allows is not made", async () =>
        {
            ByteSize size = new((await pool.GetStatusAsync(default)).Size.Bytes * 3);
            StorageException e = await Sentences.RefusedAsync(
                StorageErrorKind.OutOfSpace,
                () => Machine.RunAsync(pool.PlanCreateAsync(new() { Name = new("large"), Form = VolumeForm.Block, Size = size }, default), "large"));
            Sentences.Require(e.Subject == "mine/large" && e.Message.Contains("Overcommit", StringComparison.Ordinal), e.Message);
        });
        await said.SayAsync("A volume that is open is not deleted", async () =>
        {
            await using IBlockSource open = await pool.OpenBlocksAsync(guest, BlockAccess.Read, default);
            await Sentences.RefusedAsync(StorageErrorKind.Busy, () => Machine.RunAsync(pool.PlanDeleteAsync(guest, default)));
            await open.ReadAsync(0, new byte[4096], default);
        });
        await said.SayAsync("A pool that holds volumes is not deleted", () => Sentences.RefusedAsync(StorageErrorKind.Busy, () => machine.DeleteAsync()));
        await said.SayAsync("A pool of which a volume is open is not closed, and the volume stays", async () =>
        {
            await using IBlockSource open = await pool.OpenBlocksAsync(guest, BlockAccess.Read, default);
            await Sentences.RefusedAsync(StorageErrorKind.Busy, () => Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default)));
            await open.ReadAsync(0, new byte[4096], default);
        });
        await said.SayAsync("After these refusals every byte of the pool's drive is as it was", async () =>
            Sentences.Require(await Machine.ShellAsync(whole) == before, "they are other bytes"));
    }
}
