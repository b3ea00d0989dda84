namespace EveStorage.ZfsTrial;

/// <summary>What is not ours: <c>refusals DRIVE DRIVE</c>, the first for a pool, the second to be refused.</summary>
internal static class RefusalTrial
{
    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        string other = $"$(lab-disk {drives[1].Split(':')[1]})";
        foreach ((string what, string make, string end) in ((string, string, string)[])
        [
            ("a file system", $"mkfs.ext4 -q -E nodiscard {other}", "true"), ("swap", $"mkswap -q {other}", "true"),
            ("a pool of somebody", $"zpool create -m none theirs {other}", "zpool destroy theirs"),
            ("a pool of somebody that was let go", $"zpool create -m none theirs {other}; zpool export theirs", "true"),
        ])
        {
            await Machine.ShellAsync(make);
            await said.SayAsync($"A drive with {what} is refused, and nothing of it is changed", async () =>
            {
                string before = await Machine.ShellAsync($"head -c 1M {other} | sha256sum");
                Machine machine = new("refused", new(), drives[1]);
                await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.CreateAsync(PoolRedundancy.None));
                Sentences.Require(what.Contains("pool", StringComparison.Ordinal) || await Machine.ShellAsync($"head -c 1M {other} | sha256sum") == before, "they are other bytes");
            });
            await Machine.ShellAsync($"{end}; for d in {other}?* {other}; do [ ! -b $d ] || wipefs -qa $d; done; partx -d {other} 2>/dev/null || true; dd if=/dev/zero of={other} bs=1M count=2 conv=nocreat status=none");
        }

        await ForeignAsync(said, drives[0]);
        await HeldAsync(said, drives[0]);
    }

    private static async Task ForeignAsync(Sentences said, string drive)
    {
        string disk = $"$(lab-disk {drive.Split(':')[1]})";
        Machine machine = new("theirs", new(), drive);
        await Machine.ShellAsync($"zpool create -m none -o cachefile=none evestorage-theirs {disk}");
        await said.SayAsync("A pool of our name that is not ours is neither opened nor deleted", async () =>
        {
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, async () => await (await machine.OpenAsync()).DisposeAsync());
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.DeleteAsync());
            await Machine.ShellAsync("zpool export evestorage-theirs");
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, async () => await (await machine.OpenAsync()).DisposeAsync());
            Sentences.Require((await Machine.ShellAsync("zpool list -H -o name | grep -c theirs || true")).Trim() == "0", "it was imported");
        });
        await Machine.ShellAsync($"zpool import -N -d {disk}1 evestorage-theirs; zpool destroy evestorage-theirs; wipefs -qa {disk}1 {disk}");
        await said.SayAsync("A pool that another machine had last is not opened, and the message names it", async () =>
        {
            await machine.CreateAsync(PoolRedundancy.None);
            await Machine.ShellAsync("""
                set -e
                echo 11111 > /sys/module/spl/parameters/spl_hostid
                zpool set cachefile=/run/cache evestorage-theirs; zpool export evestorage-theirs
                hostname elsewhere
                zpool import -N -o cachefile=none -d $(lab-disk DRIVE)1 evestorage-theirs
                zpool sync evestorage-theirs
                dd if=$(lab-disk DRIVE) of=/run/drive bs=1M iflag=direct conv=sparse status=none; truncate -s $(blockdev --getsize64 $(lab-disk DRIVE)) /run/drive
                zpool export evestorage-theirs
                dd if=/run/drive of=$(lab-disk DRIVE) bs=1M oflag=direct conv=nocreat status=none
                hostname labguest
                echo 22222 > /sys/module/spl/parameters/spl_hostid
                """.Replace("DRIVE", drive.Split(':')[1], StringComparison.Ordinal));
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Conflict, async () => await (await machine.OpenAsync()).DisposeAsync());
            Sentences.Require(e.Message.Contains("elsewhere", StringComparison.Ordinal), e.Message);
            await Machine.ShellAsync("echo 11111 > /sys/module/spl/parameters/spl_hostid");
            await (await machine.OpenAsync()).DisposeAsync();
        });
    }

    private static async Task HeldAsync(Sentences said, string drive)
    {
        VolumeName guest = new("guest");
        Machine machine = new("theirs", new(), drive);
        await using IStoragePool pool = await machine.OpenAsync();
        await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = guest, Form = VolumeForm.Block, Size = ByteSize.MiB(64) }, default), "guest");
        await said.SayAsync("A volume that is open is not deleted", async () =>
        {
            await using IBlockSource open = await pool.OpenBlocksAsync(guest, BlockAccess.Read, default);
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Busy, () => Machine.RunAsync(pool.PlanDeleteAsync(guest, default)));
            Sentences.Require(e.Message.Contains("process", StringComparison.Ordinal), e.Message);
            await open.ReadAsync(0, new byte[4096], default);
        });
        await said.SayAsync("A pool that holds volumes is not deleted", () => Sentences.RefusedAsync(StorageErrorKind.Busy, () => machine.DeleteAsync()));
        await said.SayAsync("A pool of which a volume is open is not closed, and the volume stays", async () =>
        {
            await using IBlockSource open = await pool.OpenBlocksAsync(guest, BlockAccess.Read, default);
            await Sentences.RefusedAsync(StorageErrorKind.Busy, () => Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default)));
            await open.ReadAsync(0, new byte[4096], default);
        });
        await said.SayAsync("A volume that is not ours keeps the pool, and is told of", async () =>
        {
            await Machine.RunAsync(pool.PlanDeleteAsync(guest, default));
            await Machine.ShellAsync("zfs create -V 16m evestorage-theirs/theirs; udevadm settle || true");
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => machine.DeleteAsync());
        });
    }
}
