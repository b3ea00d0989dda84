using System.Globalization;
using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>
/// A thin pool whose metadata is full: <c>metadata DRIVE DRIVE</c>, the second to heal it. Somebody's logical volume takes the room to
/// grow. Then the pool's own device is told to take snapshots, which the product would refuse, and each is written over in places so
/// far apart that every one needs metadata of its own.
/// </summary>
internal static class MetadataTrial
{
    private const int Places = 40;
    private const long Apart = 6 << 20;   // 96 chunks of 64 KiB: a node of the kernel's tree holds at least 126
    private const int MostRounds = 100;

    private const string NoRoom = "/run/lvm-gives-no-room";
    private const string Wrapper = $"""
        #!/bin/bash
        case "$*" in lvextend*--extents*) [ ! -e {NoRoom} ] || exit 5;; esac
        exec -a "$0" /usr/sbin/lvm.real "$@"
        """;

    private static readonly VolumeName s_volume = new("kept");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("nodes", new() { MaxVolumes = 16, MetadataSize = ByteSize.MiB(4) }, drives[0]);
        await machine.CreateAsync(PoolRedundancy.None);
        await using IStoragePool pool = await machine.OpenAsync();
        await Machine.ShellAsync("lvcreate -y -q -Wn -Zn -l 100%FREE -n theirs evestorage-nodes");
        await Machine.RunAsync(MakeAsync(pool, s_volume), $"{s_volume}");
        byte[] flushed = new byte[Places];
        await WriteAllAsync(pool);
        await said.SayAsync("Metadata that gets full is told of before it is", () => FillAsync(pool, flushed, PastAsync));
        await said.SayAsync("At 90 % it takes no new volume", async () =>
        {
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.OutOfSpace, () => Machine.RunAsync(MakeAsync(pool, new("more")), "more"));
            Sentences.Require(e.Message.Contains("metadata is", StringComparison.Ordinal), e.Message);
        });
        await said.SayAsync("When it is full a write fails as an error of the drive", async () =>
        {
            await Sentences.RefusedAsync(StorageErrorKind.Io, () => FillAsync(pool, flushed, _ => Task.FromResult(false)));
        });
        await said.SayAsync("No write that was flushed is lost", () => RequireAsync(pool, flushed));
        await said.SayAsync("Status says that the pool has failed, and the repair", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            string problems = string.Join("; ", status.Problems);
            Sentences.Require(status.Health == PoolHealth.Failed, $"its health is {status.Health}: {problems}");
            Sentences.Require(problems.Contains("metadata is full", StringComparison.Ordinal) && problems.Contains("'evestorage pool add nodes DEVICE'", StringComparison.Ordinal), problems);
        });
        await said.SayAsync("A repair in which LVM fails to give the new room keeps what metadata has got of it", async () =>
        {
            await File.WriteAllTextAsync("/run/lvm-wrapper", Wrapper);
            await Machine.ShellAsync($"mv /usr/sbin/lvm /usr/sbin/lvm.real; cp /run/lvm-wrapper /usr/sbin/lvm; chmod 755 /usr/sbin/lvm; touch {NoRoom}");
            await Sentences.RefusedAsync(StorageErrorKind.Io, () => Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default)));
            await Machine.ShellAsync($"rm {NoRoom}");
            Sentences.Require((await pool.GetStatusAsync(default)).Metadata?.Size > ByteSize.MiB(4), "it has not grown");
        });
        await said.SayAsync("That repair, run again, gives the new room and lets it take writes again", async () =>
        {
            long before = await SizeAsync();
            await Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default));
            long after = await SizeAsync();
            Sentences.Require(after > before * 3 / 2, $"its data has {after} bytes, and had {before}");
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health != PoolHealth.Failed && status.Metadata?.Size > ByteSize.MiB(4), $"{status.Metadata?.Size}: {string.Join("; ", status.Problems)}");
            await WriteAsync(pool, 0, flushed);
            await RequireAsync(pool, flushed);
        });
        await said.SayAsync("Once more gives no more of what is left for metadata", async () =>
        {
            long before = await SizeAsync();
            await Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default));
            Sentences.Require(await SizeAsync() == before, "it does");
        });
    }

    private static async Task<long> SizeAsync()
        => long.Parse((await Machine.ShellAsync("lvs --noheadings --units b --nosuffix -o lv_size evestorage-nodes/Thinpool")).Trim(), CultureInfo.InvariantCulture);

    // Until the metadata is so full that no new volume is promised.
    private static async Task<bool> PastAsync(IStoragePool pool)
    {
        PoolStatus status = await pool.GetStatusAsync(default);
        double percent = 100.0 * status.Metadata!.Value.Used.Bytes / status.Metadata.Value.Size.Bytes;
        if (percent < 90)
        {
            return false;
        }

        Sentences.Require(status.Problems.Any(problem => problem.Contains("metadata is 9", StringComparison.Ordinal)), string.Join("; ", status.Problems));
        return true;
    }

    private static async Task FillAsync(IStoragePool pool, byte[] flushed, Func<IStoragePool, Task<bool>> isEnoughAsync)
    {
        string number = (await Machine.ShellAsync($"lvs --noheadings -o thin_id evestorage-nodes/{s_volume}")).Trim();
        for (int round = 0; round < MostRounds; round++)
        {
            byte value = (byte)(flushed[0] + 1);
            await Machine.ShellAsync(string.Create(CultureInfo.InvariantCulture, $"""
                dmsetup suspend --noudevsync evestorage--nodes-{s_volume}
                dmsetup message evestorage--nodes-Thinpool-tpool 0 "create_snap {1000 + value} {number}" || true
                dmsetup resume --noudevsync evestorage--nodes-{s_volume}
                """));
            await WriteAsync(pool, value, flushed);
            if (await isEnoughAsync(pool))
            {
                return;
            }
        }

        throw new InvalidOperationException($"the metadata is not full after {MostRounds} snapshots");
    }

    private static async Task WriteAllAsync(IStoragePool pool)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.ReadWrite, default);
        byte[] piece = new byte[1 << 20];
        for (long at = 0; at < Places * Apart; at += piece.Length)
        {
            await blocks.WriteAsync(at, piece, WriteDurability.Cached, default);
        }

        await blocks.FlushAsync(default);
    }

    private static async Task WriteAsync(IStoragePool pool, byte value, byte[] flushed)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.ReadWrite, default);
        byte[] page = new byte[4096];
        Array.Fill(page, value);
        for (int place = 0; place < Places; place++)
        {
            await blocks.WriteAsync(place * Apart, page, WriteDurability.Stable, default);
            flushed[place] = value;
        }
    }

    private static async Task RequireAsync(IStoragePool pool, byte[] flushed)
    {
        await Machine.ShellAsync("echo 1 > /proc/sys/vm/drop_caches");
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.Read, default);
        byte[] page = new byte[4096];
        for (int place = 0; place < Places; place++)
        {
            await blocks.ReadAsync(place * Apart, page, default);
            Sentences.Require(page.All(b => b == flushed[place]), $"the bytes at place {place} are {page[0]}, and {flushed[place]} was flushed");
        }
    }

    private static ValueTask<Plan> MakeAsync(IStoragePool pool, VolumeName name)
        => pool.PlanCreateAsync(new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(256) }, default);
}
