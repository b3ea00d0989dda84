using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>File systems of services on a pool of ZFS, encrypted: made, filled, grown, mounted again after a crash, frozen, cloned and deleted.</summary>
public sealed class ZfsFileSystemTests : IDisposable
{
    private const string Mounts = "/run/evestorage/mounts";
    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.zfs", "eve.keys"] },
          "Keys": { "Kind": "key-file" },
          "Pools": { "data": { "Kind": "zfs", "Devices": ["serial:z0"], "Options": { "Encryption": "aes-256-gcm", "FileSystemCompression": "zstd" } } }
        }
        """;

    private readonly TemporaryDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task A_runaway_writer_meets_its_quota_while_its_neighbours_keep_writing_and_a_start_mounts_all_of_it_again()
    {
        Guest.RequireLong();
        Guest.Require(Guest.NewKernelWithZfs);
        await using HostedGuest hosted = await HostedGuest.StartAsync(Profile, "--kernel", Guest.NewKernelWithZfs, "--disk", $"{Drive.Make(_place.Path, "z0", ByteSize.GiB(1), "virtio")}");
        Guest guest = hosted.Guest;
        await guest.RunAsync("mkdir -p -m 0700 /run/evestorage/keys");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.ChangeAsync($$"""{"change":"create-file-system","pool":"data","volume":"newlog","size":{{64 << 20}}}""");
        await hosted.ChangeAsync($$"""{"change":"create-file-system","pool":"data","volume":"status","size":{{64 << 20}},"kind":"zfs","reserved":true,"at":"services/status"}""");

        await FillAsync(hosted);
        await GrowAsync(hosted);
        await CrashAsync(hosted);
        await CloneAsync(hosted);
        await DeleteAsync(hosted);
    }

    // newlog: who runs away stops no other, and is told.
    private static async Task FillAsync(HostedGuest hosted)
    {
        (await hosted.Guest.TryAsync($"dd if=/dev/urandom of={Mounts}/newlog/log bs=1M oflag=sync", 900)).Error.ShouldContain("Disk quota exceeded");
        await hosted.Guest.RunAsync($"dd if=/dev/urandom of={Mounts}/services/status/status bs=1M count=8 oflag=sync && dd if=/dev/zero of=/root/host bs=1M count=8 conv=fsync", 300);
        await hosted.UntilToldAsync("95 % and more");
        JsonElement newlog = await ShowAsync(hosted, "newlog");
        (newlog.GetProperty("kind").GetString(), newlog.GetProperty("reserved").GetBoolean(), newlog.GetProperty("mounted").GetBoolean()).ShouldBe(("zfs", false, true), $"{newlog}");
        $"{newlog.GetProperty("traits")}".ShouldContain("encrypted", Case.Insensitive);
        newlog.GetProperty("used").GetInt64().ShouldBeInRange(56 << 20, 72 << 20, $"{newlog}");
        (await ShowAsync(hosted, "status")).GetProperty("reserved").GetBoolean().ShouldBeTrue();
        (await hosted.Guest.RunAsync("zfs get -Hp -o value refquota,refreservation,compression,encryption,mountpoint evestorage-data/volumes/status"))
            .ShouldBe($"{64 << 20}\n{64 << 20}\nzstd\naes-256-gcm\nlegacy");
    }

    private static async Task GrowAsync(HostedGuest hosted)
    {
        await hosted.ChangeAsync($$"""{"change":"resize-volume","pool":"data","volume":"newlog","size":{{128 << 20}}}""");
        await hosted.Guest.RunAsync($"dd if=/dev/urandom of={Mounts}/newlog/more bs=1M count=16 oflag=sync && sha256sum {Mounts}/newlog/* > /root/sums", 600);
    }

    // As a machine that loses its power: the pool is closed, without its key, and nothing is mounted.
    private static async Task CrashAsync(HostedGuest hosted)
    {
        await hosted.KillAsync();
        await hosted.Guest.RunAsync($"umount {Mounts}/newlog {Mounts}/services/status; zpool export evestorage-data");
        await hosted.ServeAsync();
        await hosted.Guest.UntilAsync($"grep -q 'evestorage-data/volumes/status' /proc/mounts && grep -q 'evestorage-data/volumes/newlog' /proc/mounts");
        await hosted.Guest.RunAsync("sha256sum -c --status /root/sums", 300);
    }

    private static async Task CloneAsync(HostedGuest hosted)
    {
        await hosted.ChangeAsync("""{"change":"take-snapshots","pool":"data","snapshots":["status@before"]}""");
        await hosted.Guest.RunAsync($"rm {Mounts}/services/status/status; sync");
        await hosted.ChangeAsync("""{"change":"clone-snapshot","pool":"data","snapshot":"status@before","newVolume":"copy"}""");
        await hosted.ChangeAsync("""{"change":"mount-file-system","pool":"data","volume":"copy","readOnly":true}""");
        (await hosted.Guest.RunAsync($"stat -c %s {Mounts}/copy/status")).ShouldBe($"{8 << 20}");
        (await hosted.Guest.TryAsync($"touch {Mounts}/copy/new", 60)).Error.ShouldContain("Read-only file system");
        await hosted.ChangeAsync("""{"change":"roll-back","pool":"data","snapshot":"status@before"}""");
        (await hosted.Guest.RunAsync($"stat -c %s {Mounts}/services/status/status")).ShouldBe($"{8 << 20}");
    }

    // One that somebody uses stays. Each change is ended in its midst, too, by ZfsPoolTests.
    private static async Task DeleteAsync(HostedGuest hosted)
    {
        await hosted.Guest.RunAsync($"cd {Mounts}/newlog; setsid sleep 600 > /dev/null 2>&1 < /dev/null & echo $! > /root/user.pid");
        JsonElement refused = await hosted.TryChangeAsync("""{"change":"delete-volume","pool":"data","volume":"newlog"}""");
        refused.GetProperty("error").GetProperty("message").GetString().ShouldNotBeNull().ShouldContain("in use");
        await hosted.Guest.RunAsync("kill $(cat /root/user.pid); sleep 1");
        foreach (string name in (string[])["newlog", "copy", "status"])
        {
            await hosted.ChangeAsync($$"""{"change":"delete-volume","pool":"data","volume":"{{name}}","withSnapshots":true}""");
        }

        (await hosted.Guest.RunAsync("zfs list -H -o name -r -t all evestorage-data")).ShouldBe("evestorage-data\nevestorage-data/volumes");
        (await hosted.Guest.RunAsync($"grep -c {Mounts} /proc/mounts || true")).ShouldBe("0");
    }

    private static Task<JsonElement> ShowAsync(HostedGuest hosted, string name) => hosted.GetAsync($"pools/data/file-systems/{name}");
}
