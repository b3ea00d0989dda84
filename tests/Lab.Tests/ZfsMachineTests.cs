using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A machine with a pool of ZFS over four drives, encrypted and compressed, from an image to a disk that another host has, and back to health.</summary>
public sealed class ZfsMachineTests : IDisposable
{
    private const string Host = "nqn.2014-08.org.example:guest";
    private const int ImageSize = 24 << 20;
    private const string Embedded = "vol-lz4-16k.e.zs";
    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.zfs", "eve.keys", "eve.nvmet-tcp", "eve.qcow2", "eve.zfs-stream"] },
          "Keys": { "Kind": "key-file" },
          "Pools": { "data": { "Kind": "zfs", "Devices": ["serial:z0", "serial:z1", "serial:z2", "serial:z3"], "Redundancy": "Parity", "ScrubEvery": "30.00:00:00",
                               "Options": { "Compression": "zstd", "Encryption": "aes-256-gcm" } } },
          "Transports": { "tcp": { "Kind": "nvmet-tcp", "Options": { "Address": "127.0.0.1", "AllowUnauthenticated": true } } }
        }
        """;

    private readonly TemporaryDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task An_image_becomes_a_disk_that_is_frozen_cloned_rolled_back_and_grown_and_a_drive_less_is_healed_by_another()
    {
        Guest.RequireLong();
        Guest.Require(Guest.NewKernelWithZfs);
        string digest = await MakeImageAsync();
        string[] serials = ["z0", "z1", "z2", "z3", "spare"];
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile,
            ["--kernel", Guest.NewKernelWithZfs, "--share", _place["share"], .. serials.SelectMany(serial => (string[])["--disk", $"{Drive.Make(_place.Path, serial, ByteSize.MiB(512), "scsi")}"])]);
        Guest guest = hosted.Guest;
        await guest.RunAsync("mkdir -p -m 0700 /run/evestorage/keys");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.RunAsync("image", "import", "/share/image.qcow2", "data/vm1", "--verify");

        // A guest's disk has the image's bytes.
        string disk = await ConnectAsync(hosted, "vm1");
        (await guest.RunAsync($"sha256sum < {disk}", 300))[..64].ShouldBe(digest);

        // What is written after a snapshot is not in a clone of it, and is gone after a rollback.
        await hosted.ChangeAsync("""{"change":"take-snapshots","pool":"data","snapshots":["vm1@before"]}""");
        await guest.RunAsync($"head -c 4M /dev/urandom | dd of={disk} bs=1M seek=2 iflag=fullblock oflag=direct conv=fsync status=none");
        (await guest.RunAsync($"sha256sum < {disk}", 300))[..64].ShouldNotBe(digest);
        await hosted.ChangeAsync("""{"change":"clone-snapshot","pool":"data","snapshot":"vm1@before","newVolume":"vm2"}""");
        string clone = await ConnectAsync(hosted, "vm2");
        (await guest.RunAsync($"sha256sum < {clone}", 300))[..64].ShouldBe(digest);
        await DisconnectAsync(hosted, "vm1");
        await hosted.ChangeAsync("""{"change":"roll-back","pool":"data","snapshot":"vm1@before"}""");
        disk = await ConnectAsync(hosted, "vm1");
        (await guest.RunAsync($"sha256sum < {disk}", 300))[..64].ShouldBe(digest);

        // Growing is seen by who has the disk.
        await hosted.ChangeAsync($$"""{"change":"resize-volume","pool":"data","volume":"vm1","size":{{48 << 20}}}""");
        await guest.UntilAsync($"[ $(blockdev --getsize64 {disk}) = {48 << 20} ]");

        // A drive less, while the disk is in use.
        string drive = (await StatusAsync(hosted)).GetProperty("drives").EnumerateArray().First().GetProperty("name").GetString()!;
        await hosted.ChangeAsync($$"""{"change":"offline-drive","pool":"data","drive":"{{drive}}"}""");
        (await StatusAsync(hosted)).GetProperty("health").GetString().ShouldBe("degraded");
        (await guest.RunAsync($"head -c {ImageSize} {disk} | sha256sum", 300))[..64].ShouldBe(digest);
        await hosted.ChangeAsync($$"""{"change":"replace-drive","pool":"data","drive":"{{drive}}","device":"serial:spare"}""");
        JsonElement healed = await StatusAsync(hosted);
        healed.GetProperty("health").GetString().ShouldBe("healthy", $"{healed}");
        healed.GetProperty("drives").EnumerateArray().Select(there => there.GetProperty("name").GetString()).ShouldNotContain(drive);

        // A check of all of it, and what it found.
        await hosted.ChangeAsync("""{"change":"scrub-pool","pool":"data"}""");
        await guest.RunAsync("for i in $(seq 300); do zpool status evestorage-data | grep -q 'scrub repaired' && exit 0; sleep 1; done; exit 1", 400);
        JsonElement scrub = (await StatusAsync(hosted)).GetProperty("scrub");
        (scrub.GetProperty("running").GetBoolean(), scrub.GetProperty("errors").GetInt64()).ShouldBe((false, 0));
        scrub.TryGetProperty("ended", out _).ShouldBeTrue($"{scrub}");
        (await guest.RunAsync($"echo 1 > /proc/sys/vm/drop_caches; head -c {ImageSize} {disk} | sha256sum", 300))[..64].ShouldBe(digest);
        await ReceiveAsync(hosted);
    }

    // The command line's way to what ZfsTrial holds ZFS to, with streams of volumes that are here.
    private static async Task ReceiveAsync(HostedGuest hosted)
    {
        Guest guest = hosted.Guest;
        await guest.RunAsync("""
            zfs send evestorage-data/volumes/vm1@before > /root/full.zs
            head -c 700000 /root/full.zs > /root/cut.zs
            zfs send -w evestorage-data/volumes/vm1@before > /root/raw.zs
            """);
        string before = await guest.RunAsync("zfs list -H -o name -r -t all evestorage-data");
        (await guest.TryAsync("evestorage image import /root/cut.zs data/cut --profile /root/profile.json", 300)).Error.ShouldContain("cut short");
        (await guest.RunAsync("zfs list -H -o name -r -t all evestorage-data")).ShouldBe(before);

        JsonElement imported = await hosted.RunAsync("image", "import", "/root/full.zs", "data/vm3", "--sha256", (await guest.RunAsync("sha256sum < /root/full.zs"))[..64]);
        imported.GetProperty("results").GetProperty("received").GetString().ShouldBe("natively", $"{imported}");
        await guest.RunAsync("cat /root/raw.zs | evestorage image import - data/vm4 --format zfs-stream --profile /root/profile.json", 300);
        (await guest.RunAsync("cmp /dev/zvol/evestorage-data/volumes/vm3 <(head -c 25165824 /dev/zvol/evestorage-data/volumes/vm1) && echo equal", 300)).ShouldBe("equal");
        (await guest.RunAsync("zfs get -Hp -o value keystatus,encryptionroot evestorage-data/volumes/vm4")).ShouldBe("unavailable\nevestorage-data/volumes/vm4");
        JsonElement raw = await hosted.GetAsync("pools/data/volumes/vm4");
        raw.GetProperty("lockedBy").GetString().ShouldBe($"volume-{raw.GetProperty("id").GetString()}");
        await hosted.ChangeAsync("""{"change":"rekey-pool","pool":"data"}""");

        // ZFS itself takes no embedded blocks below encryption: such a stream is replayed.
        JsonElement replayed = await hosted.RunAsync("image", "import", $"/share/{Embedded}", "data/vm5");
        replayed.GetProperty("results").TryGetProperty("received", out _).ShouldBeFalse($"{replayed}");
        (await guest.RunAsync("sha256sum < /dev/zvol/evestorage-data/volumes/vm5", 300))[..64].ShouldBe(RealStreams.Named(Embedded).Content);
    }

    private static async Task<JsonElement> StatusAsync(HostedGuest hosted) => (await hosted.GetAsync("pools/data")).GetProperty("status");

    private static async Task<string> ConnectAsync(HostedGuest hosted, string volume)
    {
        string subsystem = (await hosted.ChangeAsync($$$"""{"change":"add-export","pool":"data","volume":"{{{volume}}}","allowedHosts":{"{{{Host}}}":null}}""")).GetProperty("subsystem").GetString()!;
        await hosted.Guest.RunAsync($"modprobe nvme-tcp; nvme connect -t tcp -a 127.0.0.1 -s 4420 -n {subsystem} {Guest.As(Host)} -i 2; udevadm settle");
        return Guest.Disk(subsystem);
    }

    private static async Task DisconnectAsync(HostedGuest hosted, string volume)
    {
        string subsystem = (await hosted.GetAsync("exports")).EnumerateArray().First(export => export.GetProperty("volume").GetString() == $"data/{volume}").GetProperty("subsystem").GetString()!;
        await hosted.Guest.RunAsync($"nvme disconnect -n {subsystem}");
        await hosted.ChangeAsync($$"""{"change":"remove-export","pool":"data","volume":"{{volume}}"}""");
    }

    /// <summary>Half of it compresses, and there are holes.</summary>
    private async Task<string> MakeImageAsync()
    {
        byte[] image = new byte[ImageSize];
        for (int at = 0; at < ImageSize; at += 1 << 20)
        {
            if (at >> 20 is not (5 or 6 or 17))
            {
                RandomNumberGenerator.Fill(image.AsSpan(at, 1 << 19));
                image.AsSpan(at + (1 << 19), 1 << 19).Fill((byte)(at >> 20));
            }
        }

        Directory.CreateDirectory(_place["share"]);
        await File.WriteAllBytesAsync(_place["raw"], image);
        await File.WriteAllBytesAsync(_place[$"share/{Embedded}"], RealStreams.Bytes(Embedded).ToArray());
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", _place["raw"], _place["share/image.qcow2"]);
        return Convert.ToHexStringLower(SHA256.HashData(image));
    }
}
