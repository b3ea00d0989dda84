using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Mirrors that lose a drive under load, with the product: the kernel lets a plain one go, an encrypted one is pulled out.</summary>
public sealed class DriveFailureTests
{
    // At that rate the writes alone take 80 s and more. The helper's pipe: see KernelExportTests.
    private const string Fio = "trap '' PIPE; fio --name=verified --direct=1 --ioengine=libaio --iodepth=4 --rw=randwrite --bs=4k --size=32M --rate_iops=100 --verify=crc32c --verify_fatal=1";

    [Theory]
    [InlineData("plain")]
    [InlineData("encrypted")]
    public async Task A_drive_that_fails_is_told_of_with_no_command_given_io_goes_on_and_another_drive_heals_the_mirror(string drives)
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory place = new();
        string[] serials = ["left", "right", "spare"];
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile(drives == "plain" ? "" : """{ "Kind": "luks2", "Placement": "UnderPool" }"""),
            ["--smp", "1", .. serials.SelectMany(serial => (string[])["--disk", $"{Drive.Make(place.Path, serial, ByteSize.MiB(256), "scsi")}"])]);
        Guest guest = hosted.Guest;
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"data","volume":"disk","size":{{48 << 20}}}""");
        string disk = HostedGuest.DiskOf("data");
        await guest.RunAsync($"({Fio} --filename={disk}; echo $? > /root/fio.rc) > /root/fio 2>&1 &");
        await guest.UntilAsync($"[ $(awk '{{print $5}}' /sys/dev/block/$(printf '%d:%d' $(stat -c '0x%t 0x%T' {disk}))/stat) -gt 100 ]");

        await (drives == "plain" ? guest.RunAsync("echo 1 > /sys/block/$(basename $(lab-disk right))/device/delete") : guest.RemoveDriveAsync("right"));
        (await guest.TryAsync("[ ! -e /root/fio.rc ]")).Code.ShouldBe(0, "fio has to be at it when the drive fails");

        await hosted.UntilToldAsync("drive.missing: data:");
        await guest.RunAsync("for i in $(seq 600); do [ -e /root/fio.rc ] && exit 0; sleep 0.5; done; exit 1", 400);
        (await guest.RunAsync("cat /root/fio.rc")).ShouldBe("0", await guest.RunAsync("tail -n 40 /root/fio"));

        string gone = await MissingInAsync(hosted);
        await hosted.ChangeAsync($$"""{"change":"replace-drive","pool":"data","drive":"{{gone}}","device":"serial:spare"}""");
        await hosted.UntilToldAsync("pool.healthy: data:");
        await guest.RunAsync($"echo 1 > /proc/sys/vm/drop_caches; {Fio.Replace("--rate_iops=100", "--verify_only", StringComparison.Ordinal)} --filename={disk}", 600);
        (await hosted.GetAsync("pools/data")).GetRawText().ShouldNotContain(gone);
        (await guest.RunAsync("grep -E 'pool.unreadable|volume.sync-failed' /root/daemon.log || true")).ShouldBeEmpty();
    }

    private static string Profile(string layers) => $$"""
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.lvm", "eve.luks", "eve.keys"] },
          "Keys": { "Kind": "key-file" },
          "Pools": {
            "data": {
              "Kind": "lvm", "Devices": ["serial:left", "serial:right"], "Redundancy": "Mirror", "Options": { "MaxVolumes": 16 },
              "Layers": [{{layers}}]
            }
          }
        }
        """;

    private static async Task<string> MissingInAsync(HostedGuest hosted)
    {
        JsonElement status = await hosted.GetAsync("pools/data");
        JsonElement drives = status.GetProperty("status").GetProperty("drives");
        JsonElement missing = drives.EnumerateArray().Single(drive => drive.GetProperty("health").GetString() is not ("healthy" or "Healthy"));
        missing.GetProperty("problem").GetString()!.ShouldContain("pool replace");
        return missing.GetProperty("name").GetString()!;
    }
}
