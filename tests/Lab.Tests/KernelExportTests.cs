using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Exports that the kernel serves, with the product that set them up gone and back.</summary>
public sealed class KernelExportTests
{
    private const string Host = "nqn.2014-08.org.example:guest";

    // At that rate the writes alone take 27 s and more.
    // fio 3.33 can write to its helper's pipe when that has gone; the signal would end it, and is no news of the disk.
    private const string Fio = "trap '' PIPE; fio --name=verified --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k --size=32M --rate_iops=300 --verify=crc32c --verify_fatal=1";

    [Theory]
    [InlineData("file", "/mnt/pool")]
    [InlineData("lvm", "serial:pool")]
    public async Task Guests_notice_nothing_when_the_host_is_killed_and_it_adopts_what_the_kernel_has_without_a_change(string backend, string device)
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory place = new();
        // One processor: two of them wait for each other's locks under emulation on a busy machine.
        await using HostedGuest hosted = await HostedGuest.StartAsync(Profile(backend, device), "--smp", "1", "--disk", $"{Drive.Make(place.Path, "pool", ByteSize.MiB(512))}");
        Guest guest = hosted.Guest;
        if (backend == "file")
        {
            await guest.RunAsync($"mkfs.ext4 -q {Guest.DriveOf("pool")} && mkdir -p /mnt && mount {Guest.DriveOf("pool")} /mnt");
        }

        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        string subsystem = await ExportAsync(hosted, "by-tcp", "tcp", $$"""{"{{Host}}":null}""");
        await ExportAsync(hosted, "by-loop", "loop", "{}");
        await guest.RunAsync($"modprobe nvme-tcp; nvme connect -t tcp -a 127.0.0.1 -s 4420 -n {subsystem} {Guest.As(Host)} -i 1 && udevadm settle");

        string[] disks = [Guest.Disk(subsystem), "$(readlink /run/evestorage/dev/data/by-loop)"];
        await guest.RunAsync($"({Fio} --filename={disks[0]}; echo $? > /root/tcp.rc) > /root/tcp.fio 2>&1 & ({Fio} --filename={disks[1]}; echo $? > /root/loop.rc) > /root/loop.fio 2>&1 &");
        foreach (string disk in disks)
        {
            await guest.UntilAsync($"[ $(cut -c1-200 /sys/class/block/$(basename {disk})/stat | awk '{{print $5}}') -gt 100 ]");
        }

        await hosted.KillAsync();
        (await guest.TryAsync("[ ! -e /root/tcp.rc ] && [ ! -e /root/loop.rc ]")).Code.ShouldBe(0, "fio has to be at it when the host is killed");
        await guest.RunAsync("for i in $(seq 500); do [ -e /root/tcp.rc ] && [ -e /root/loop.rc ] && exit 0; sleep 0.5; done; exit 1", 300);

        (await guest.RunAsync("cat /root/tcp.rc /root/loop.rc")).ShouldBe("0\n0", await guest.RunAsync("cat /root/tcp.fio /root/loop.fio"));
        (await guest.RunAsync("dmesg | grep -c -i -E 'I/O error|reconnect|keep.alive' || true")).ShouldBe("0");

        await hosted.ServeAsync("strace -f -qq -o /root/trace -e trace=mkdir,mkdirat,rmdir,unlink,unlinkat,symlink,symlinkat,rename,renameat,renameat2,open,openat,creat");
        await guest.UntilAsync("[ $(grep -c 'is exported again' /root/daemon.log) = 2 ]");
        JsonElement exports = await hosted.GetAsync("exports");

        exports.GetArrayLength().ShouldBe(2);
        await guest.RunAsync("grep -q '/sys/kernel/config/.*O_RDONLY' /root/trace");
        (await guest.RunAsync("grep '/sys/kernel/config' /root/trace | grep -E 'mkdir|rmdir|unlink|symlink|rename|creat|O_WRONLY|O_RDWR' || true")).ShouldBeEmpty();
        (await guest.RunAsync("dmesg | grep -c -i -E 'I/O error|reconnect|keep.alive' || true")).ShouldBe("0");
    }

    private static string Profile(string backend, string device) => $$"""
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.{{backend}}", "eve.nvmet-tcp", "eve.nvmet-loop"] },
          "Pools": { "data": { "Kind": "{{backend}}", "Devices": ["{{device}}"] } },
          "Transports": { "tcp": { "Kind": "nvmet-tcp" }, "loop": { "Kind": "nvmet-loop" } }
        }
        """;

    private static async Task<string> ExportAsync(HostedGuest hosted, string volume, string transport, string hosts)
    {
        await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"data","volume":"{{volume}}","size":{{64 << 20}}}""");
        JsonElement done = await hosted.ChangeAsync($$"""{"change":"add-export","pool":"data","volume":"{{volume}}","transport":"{{transport}}","allowedHosts":{{hosts}}}""");
        return done.GetProperty("subsystem").GetString()!;
    }
}
