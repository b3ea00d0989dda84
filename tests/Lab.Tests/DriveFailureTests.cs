using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Mirrors that lose a drive under load, with the product: one of plain drives, whose kernel lets one go, and one of encrypted
/// drives, of which one is pulled out.
/// </summary>
public sealed class DriveFailureTests
{
    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.lvm", "eve.luks", "eve.keys"] },
          "Keys": { "Kind": "key-file" },
          "Pools": {
            "plain": { "Kind": "lvm", "Devices": ["serial:p0", "serial:p1"], "Redundancy": "Mirror", "Options": { "MaxVolumes": 16 } },
            "crypt": {
              "Kind": "lvm", "Devices": ["serial:c0", "serial:c1"], "Redundancy": "Mirror", "Options": { "MaxVolumes": 16 },
              "Layers": [{ "Kind": "luks2", "Placement": "UnderPool" }]
            }
          }
        }
        """;

    // At that rate the writes alone take 80 s and more. The helper's pipe: see KernelExportTests.
    private const string Fio = "trap '' PIPE; fio --name=verified --direct=1 --ioengine=libaio --iodepth=4 --rw=randwrite --bs=4k --size=32M --rate_iops=100 --verify=crc32c --verify_fatal=1";

    private static readonly string[] s_pools = ["plain", "crypt"];

    [Fact]
    public async Task A_drive_that_fails_is_told_of_with_no_command_given_io_goes_on_and_another_drive_heals_the_mirror()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory place = new();
        string[] drives = ["p0", "p1", "ps", "c0", "c1", "cs"];
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile, ["--smp", "1", .. drives.SelectMany(serial => (string[])["--disk", $"{Drive.Make(place.Path, serial, ByteSize.MiB(256), "scsi")}"])]);
        Guest guest = hosted.Guest;
        await hosted.ServeAsync();
        foreach (string pool in s_pools)
        {
            await hosted.ChangeAsync($$"""{"change":"create-pool","pool":"{{pool}}"}""");
            await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"{{pool}}","volume":"disk","size":{{48 << 20}}}""");
        }

        foreach (string pool in s_pools)
        {
            await guest.RunAsync($"({Fio} --filename={DiskOf(pool)}; echo $? > /root/{pool}.rc) > /root/{pool}.fio 2>&1 &");
        }

        foreach (string pool in s_pools)
        {
            await guest.UntilAsync($"[ $(awk '{{print $5}}' /sys/dev/block/$(printf '%d:%d' $(stat -c '0x%t 0x%T' {DiskOf(pool)}))/stat) -gt 100 ]");
        }

        await guest.RunAsync("echo 1 > /sys/block/$(basename $(lab-disk p1))/device/delete");
        await guest.RemoveDriveAsync("c1");
        (await guest.TryAsync("[ ! -e /root/plain.rc ] && [ ! -e /root/crypt.rc ]")).Code.ShouldBe(0, "fio has to be at it when the drives fail");

        foreach (string pool in s_pools)
        {
            await UntilToldAsync(guest, $"drive.missing: {pool}:");
        }

        await guest.RunAsync("for i in $(seq 600); do [ -e /root/plain.rc ] && [ -e /root/crypt.rc ] && exit 0; sleep 0.5; done; exit 1", 400);
        (await guest.RunAsync("cat /root/plain.rc /root/crypt.rc")).ShouldBe("0\n0", await guest.RunAsync("tail -n 40 /root/plain.fio /root/crypt.fio"));

        foreach ((string pool, string spare) in (IEnumerable<(string, string)>)[("plain", "ps"), ("crypt", "cs")])
        {
            string gone = await MissingInAsync(hosted, pool);
            await hosted.ChangeAsync($$"""{"change":"replace-drive","pool":"{{pool}}","drive":"{{gone}}","device":"serial:{{spare}}"}""");
            await UntilToldAsync(guest, $"pool.healthy: {pool}:");
            await guest.RunAsync($"echo 1 > /proc/sys/vm/drop_caches; {Fio.Replace("--rate_iops=100", "--verify_only", StringComparison.Ordinal)} --filename={DiskOf(pool)}", 600);
            (await hosted.GetAsync($"pools/{pool}")).GetRawText().ShouldNotContain(gone);
        }

        (await guest.RunAsync("grep -E 'pool.unreadable|volume.sync-failed' /root/daemon.log || true")).ShouldBeEmpty();
    }

    private static string DiskOf(string pool) => $"/dev/mapper/evestorage--{pool}-disk";

    // Nobody asks: the daemon looks by itself, at an interval, and its log has each event.
    private static Task<string> UntilToldAsync(Guest guest, string pattern)
        => guest.RunAsync($"for i in $(seq 300); do grep -q '{pattern}' /root/daemon.log && exit 0; sleep 1; done; tail -n 40 /root/daemon.log >&2; exit 1", 400);

    private static async Task<string> MissingInAsync(HostedGuest hosted, string pool)
    {
        JsonElement status = await hosted.GetAsync($"pools/{pool}");
        JsonElement drives = status.GetProperty("status").GetProperty("drives");
        JsonElement missing = drives.EnumerateArray().Single(drive => drive.GetProperty("health").GetString() is not ("healthy" or "Healthy"));
        missing.GetProperty("problem").GetString()!.ShouldContain("pool replace");
        return missing.GetProperty("name").GetString()!;
    }
}
