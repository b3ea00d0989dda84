using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Images on pools of drives, on a machine whose host is killed: an import goes on from its mark, and a volume that lies over its image
/// is used, written and copied meanwhile.
/// </summary>
public sealed class KilledImageTests(ITestOutputHelper output) : IDisposable
{
    private const string Host = "nqn.2014-08.org.example:guest";
    private const int LargeSize = 192 << 20;
    private const int LazySize = 32 << 20;
    private const int WrittenAt = 5 << 20;
    private const int WrittenSize = 3 << 20;
    private const int HeldBack = 1;
    private const int Slowly = 256 << 10;   // two minutes for all of it, and a guest may take its time
    private const string Lvm = """{ "Kind": "lvm", "Devices": ["serial:disk"] }""";
    private const string Zfs = """{ "Kind": "zfs", "Devices": ["serial:disk"] }""";
    private const string LvmAndLuks = """{ "Kind": "lvm", "Devices": ["serial:disk"], "Layers": [{ "Kind": "luks2", "Placement": "OverVolume" }] }""";

    private readonly TemporaryDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public Task On_logical_volumes() => RunAsync(Guest.NewKernel, Lvm);

    [Fact]
    public Task On_encrypted_logical_volumes() => RunAsync(Guest.NewKernel, LvmAndLuks, "--encrypted");

    [Fact]
    public Task On_volumes_of_ZFS() => RunAsync(Guest.NewKernelWithZfs, Zfs);

    private async Task RunAsync(string kernel, string pool, params string[] options)
    {
        Guest.RequireLong();
        Guest.Require(kernel);
        (string large, string lazy) = await MakeImagesAsync();
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            ProfileOf(pool, kernel == Guest.NewKernelWithZfs ? "eve.zfs" : "eve.lvm"),
            "--kernel", kernel, "--share", _place["share"], "--disk", $"{Drive.Make(_place.Path, "disk", ByteSize.GiB(1))}");
        await hosted.Guest.RunAsync("mkdir -p -m 0700 /run/evestorage/keys; modprobe nvme-tcp");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");

        await ImportLargeAsync(hosted, options);
        (await hosted.Guest.RunAsync($"sha256sum < {await ConnectAsync(hosted, "large")}", 600))[..64].ShouldBe(large);
        await ImportLazilyAsync(hosted, lazy, options);

        (await hosted.GetAsync("findings")).GetArrayLength().ShouldBe(0);
        (await hosted.GetAsync("volumes")).EnumerateArray().Select(volume => volume.GetProperty("name").GetString()).Order(StringComparer.Ordinal).ShouldBe(["large", "vm1"]);
    }

    private async Task ImportLargeAsync(HostedGuest hosted, string[] options)
    {
        string[] import = ["image", "import", "/share/large.raw", "data/large", "--format", "raw", .. options];
        await hosted.Guest.RunAsync($$"""
            evestorage {{string.Join(' ', import)}} --profile /root/profile.json > /root/import.log 2>&1 < /dev/null &
            for i in $(seq 1200); do
              jq -es 'any(.[]; .copied.copied > 0)' /root/state/operations/*.json > /dev/null 2>&1 && exit 0
              kill -0 $! || break
              sleep 0.1
            done
            cat /root/import.log >&2; exit 1
            """, 600);
        await hosted.KillAsync();
        await hosted.ServeAsync();

        JsonElement results = (await hosted.RunAsync(import)).GetProperty("results");

        (long from, long read) = (Number(results, "resumedAt"), Number(results, "read"));
        output.WriteLine($"went on at {from >> 20} MiB of {LargeSize >> 20} and read {read >> 20}");
        read.ShouldBeLessThan(LargeSize - from + (1 << 20));
    }

    // Held back, then copied slowly, then as fast as it may, with a kill each time.
    private async Task ImportLazilyAsync(HostedGuest hosted, string expected, string[] options)
    {
        Guest guest = hosted.Guest;
        await hosted.RunAsync(["image", "import", "/share/lazy.qcow2", "data/vm1", "--lazy", .. options]);
        string disk = await ConnectAsync(hosted, "vm1");
        string read = await guest.RunAsync($"dd if={disk} bs=1M skip=20 count=2 iflag=direct status=none | sha256sum", 300);
        await guest.RunAsync($"dd if=/share/written of={disk} bs=1M seek={WrittenAt >> 20} oflag=direct conv=fsync status=none", 300);
        (await ImageAsync(hosted)).ShouldNotBeNull().GetProperty("state").GetString().ShouldBe("copying");

        await RestartAsync(hosted, Slowly);
        (await guest.RunAsync($"dd if={disk} bs=1M skip=20 count=2 iflag=direct status=none | sha256sum", 300)).ShouldBe(read);
        await guest.RunAsync($"cmp /share/written <(dd if={disk} bs=1M skip={WrittenAt >> 20} count={WrittenSize >> 20} iflag=direct status=none)", 300);
        (await ImageAsync(hosted)).ShouldNotBeNull();
        await RestartAsync(hosted, 0);
        for (int second = 0; await ImageAsync(hosted) is not null; second++)
        {
            second.ShouldBeLessThan(600, "it is still copied");
            await Task.Delay(1000, TestContext.Current.CancellationToken);
        }

        (await guest.RunAsync($"dd if={disk} bs=1M iflag=direct status=none | sha256sum", 600))[..64].ShouldBe(expected);
        await guest.UntilAsync("[ $(curl -sS --unix-socket /run/evestorage/api.sock http://host/v1/operations | jq '[.[] | select(.state == \"running\")] | length') = 0 ]");   // its map goes last
    }

    private async Task RestartAsync(HostedGuest hosted, int rate)
    {
        await hosted.KillAsync();
        output.WriteLine($"killed with {(await hosted.Guest.RunAsync("ls /sys/block | tr '\\n' ' '"))}");
        await hosted.Guest.RunAsync($"sed -i 's/\"LazyRate\": \"[0-9]*\"/\"LazyRate\": \"{rate}\"/' /root/profile.json");
        await hosted.ServeAsync();
    }

    private static async Task<JsonElement?> ImageAsync(HostedGuest hosted)
        => (await hosted.GetAsync("pools/data/volumes/vm1")).TryGetProperty("image", out JsonElement image) && image.ValueKind == JsonValueKind.Object ? image : null;

    // While the host is away its disks wait, since they are connected to for longer than that.
    private static async Task<string> ConnectAsync(HostedGuest hosted, string volume)
    {
        string subsystem = (await hosted.ChangeAsync($$$"""{"change":"add-export","pool":"data","volume":"{{{volume}}}","allowedHosts":{"{{{Host}}}":null}}""")).GetProperty("subsystem").GetString()!;
        await hosted.Guest.RunAsync($"nvme connect -t tcp -a 127.0.0.1 -s 4420 -n {subsystem} {Guest.As(Host)} -i 2 -c 1 -l 1800; udevadm settle");
        return Guest.Disk(subsystem);
    }

    private static string ProfileOf(string pool, string backend) => $$"""
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Images": { "LazyRate": "{{HeldBack}}" },
          "Plugins": { "Enabled": ["{{backend}}", "eve.luks", "eve.keys", "eve.nvmet-user", "eve.raw", "eve.qcow2"] },
          "Keys": { "Kind": "key-file" },
          "Pools": { "data": {{pool}} },
          "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 4420, "SpinMicroseconds": 0 } } }
        }
        """;

    /// <summary>Makes them, and gives the digest of the large one and that of the other one with what is written to it.</summary>
    private async Task<(string Large, string Lazy)> MakeImagesAsync()
    {
        Directory.CreateDirectory(_place["share"]);
        byte[] large = RandomNumberGenerator.GetBytes(LargeSize);
        byte[] lazy = RandomNumberGenerator.GetBytes(LazySize);
        byte[] written = RandomNumberGenerator.GetBytes(WrittenSize);
        lazy.AsSpan(LazySize / 2, LazySize / 8).Clear();
        await File.WriteAllBytesAsync(_place["share/large.raw"], large);
        await File.WriteAllBytesAsync(_place["share/written"], written);
        await File.WriteAllBytesAsync(_place["lazy.raw"], lazy);
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", _place["lazy.raw"], _place["share/lazy.qcow2"]);
        written.CopyTo(lazy, WrittenAt);
        return (Convert.ToHexStringLower(SHA256.HashData(large)), Convert.ToHexStringLower(SHA256.HashData(lazy)));
    }

    private static long Number(JsonElement results, string key) => results.GetProperty(key).GetInt64();
}
