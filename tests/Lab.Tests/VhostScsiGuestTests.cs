using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Volumes as disks of a QEMU guest by vhost-scsi: the lab's guest runs a guest of its own, with the line that the export gives.</summary>
public sealed class VhostScsiGuestTests
{
    private const string Guests = "nqn.2026-11.org.lfedge.evestorage:inner";

    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.lvm", "eve.vhost-scsi"] },
          "Pools": { "data": { "Kind": "lvm", "Devices": ["/dev/disk/by-id/virtio-pool"] } },
          "Transports": { "scsi": { "Kind": "vhost-scsi" } }
        }
        """;

    [Fact]
    public async Task A_QEMU_guest_reads_and_writes_a_logical_volume_with_the_line_of_its_export()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory place = new();
        string nested = (await Programs.OutputAsync(RepositoryFiles.Path("lab/nested-image"))).Trim();
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile, "--smp", "1", "--mem", "2048", "--disk", $"{Drive.Make(place.Path, "pool", ByteSize.MiB(512))}", "--disk", $"{nested},virtio,nested,ro");
        Guest guest = hosted.Guest;
        await guest.RunAsync("mkdir /nested && mount -t erofs -o ro $(lab-disk nested) /nested");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await ExportAsync(hosted, "vm1", 1);
        await ExportAsync(hosted, "vm2", 2);
        string path = (await hosted.GetAsync("pools/data/volumes/vm1")).GetProperty("path").GetString()!;
        await guest.RunAsync($"dd if=/dev/urandom of={path} bs=1M count=2 oflag=direct status=none");
        string before = (await guest.RunAsync($"sha256sum < {path}"))[..64];
        string line = (await hosted.GetAsync("exports")).EnumerateArray().First().GetProperty("lines").GetProperty("qemu").GetString()!;

        await guest.RunAsync($"""
            LD_LIBRARY_PATH=/nested QEMU_MODULE_DIR=/nested timeout 1700 /nested/qemu-system-x86_64 -L /nested -nodefaults -no-user-config -display none -accel tcg \
              -machine pc -cpu max -m 256 -kernel /nested/vmlinux -initrd /nested/initrd -serial file:/root/inner.log -no-reboot \
              -append 'console=ttyS0 panic=-1 quiet mitigations=off no_timer_check tsc=unstable cryptomgr.notests random.trust_cpu=on' {line}
            """, 1800);

        string said = await guest.RunAsync("cat /root/inner.log");
        said.ShouldContain($"inner: read {before}");
        said.ShouldContain("inner: disks 2");
        // Past the cache of this machine, which had the disk from before.
        (await guest.RunAsync($"dd if={path} bs=4096 count=1 iflag=direct status=none | head -n 1")).ShouldBe("written by the inner guest");
    }

    private static async Task ExportAsync(HostedGuest hosted, string volume, int number)
    {
        await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"data","volume":"{{volume}}","size":{{8 << 20}}}""");
        JsonElement done = await hosted.ChangeAsync(
            $$"""{"change":"add-export","pool":"data","volume":"{{volume}}","transport":"scsi","allowedHosts":{},"subsystem":"{{Guests}}","namespaceId":{{number}}}""");
        done.GetProperty("transport").GetString().ShouldBe("scsi");
    }
}
