using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// From an image to another machine's disk through the kernel alone: a mirror of two drives, a thin pool, dm-crypt, the kernel's
/// target; and what is on the drives then.
/// </summary>
public sealed class KernelPathTests : IDisposable
{
    private const string Host = "nqn.2014-08.org.example:second-guest";
    private const string Stranger = "nqn.2014-08.org.example:stranger";
    private const int ImageSize = 24 << 20;
    private const int TextEvery = 64 << 10;

    private readonly TemporaryDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task Another_guest_reads_the_image_by_the_kernels_target_and_the_drives_of_the_mirror_hold_nothing_of_what_is_encrypted()
    {
        Guest.Require();
        string secret = Text("secret"), plain = Text("plain"), written = Text("written");
        string digest = await MakeImageAsync("secret", secret);
        await MakeImageAsync("plain", plain);
        Drive[] drives = [Drive.Make(_place.Path, "left", ByteSize.MiB(512)), Drive.Make(_place.Path, "right", ByteSize.MiB(512))];
        int port = Evestorage.FreePort();

        await using (HostedGuest hosted = await HostedGuest.StartAsync(
            Profile(layers: """, "Layers": [{ "Kind": "luks2", "Placement": "OverVolume" }]"""),
            ["--forward", $"{port}:4420", "--share", _place["share"], .. drives.SelectMany(drive => (string[])["--disk", $"{drive}"])]))
        {
            string subsystem = await ServeAsync(hosted, "data/secret", "--encrypted");
            await hosted.RunAsync("image", "import", "/share/plain.qcow2", "data/plain");

            await using Guest second = await Guest.StartAsync();
            string disk = await ConnectAsync(second, port, subsystem);
            (await second.RunAsync($"sha256sum < {disk}"))[..64].ShouldBe(digest);
            await second.RunAsync($"yes {written} | head -c 1048576 | dd of={disk} bs=1M iflag=fullblock oflag=direct conv=fsync status=none");
            (await second.RunAsync($"dd if={disk} bs=1M count=1 iflag=direct status=none | grep -c {written}")).ShouldNotBe("0");
        }

        foreach (Drive drive in drives)
        {
            (await HoldsAsync(drive, plain)).ShouldBeTrue($"{drive.Serial}: what is not encrypted has to be found, or not finding the rest would mean nothing");
            (await HoldsAsync(drive, secret)).ShouldBeFalse(drive.Serial);
            (await HoldsAsync(drive, written)).ShouldBeFalse(drive.Serial);
        }
    }

    [Theory]
    [InlineData("luks2-under-pool")]
    [InlineData("none")]
    public async Task The_drives_under_a_pool_hold_the_images_text_only_where_the_profile_encrypts_nothing(string encryption)
    {
        Guest.RequireLong();
        Guest.Require();
        string text = Text("text");
        string digest = await MakeImageAsync("image", text);
        Drive[] drives = [Drive.Make(_place.Path, "left", ByteSize.MiB(512)), Drive.Make(_place.Path, "right", ByteSize.MiB(512))];
        int port = Evestorage.FreePort();

        await using (HostedGuest hosted = await HostedGuest.StartAsync(
            Profile(encryption),
            ["--forward", $"{port}:4420", "--share", _place["share"], .. drives.SelectMany(drive => (string[])["--disk", $"{drive}"])]))
        {
            string subsystem = await ServeAsync(hosted, "data/image");
            await using Guest second = await Guest.StartAsync();
            (await second.RunAsync($"sha256sum < {await ConnectAsync(second, port, subsystem)}"))[..64].ShouldBe(digest);
        }

        foreach (Drive drive in drives)
        {
            (await HoldsAsync(drive, text)).ShouldBe(encryption == "none", drive.Serial);
        }
    }

    /// <summary>The pool made, an image of the volume's name imported, and the volume exported; gives its subsystem.</summary>
    private static async Task<string> ServeAsync(HostedGuest hosted, string volume, params string[] options)
    {
        string name = volume.Split('/')[1];
        await hosted.Guest.RunAsync("mkdir -p -m 0700 /run/evestorage/keys");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.RunAsync(["image", "import", $"/share/{name}.qcow2", volume, "--verify", .. options]);
        return (await hosted.ChangeAsync($$$"""{"change":"add-export","pool":"data","volume":"{{{name}}}","allowedHosts":{"{{{Host}}}":null}}"""))
            .GetProperty("subsystem").GetString()!;
    }

    /// <summary>The disk of a guest that is named; one that is not named gets none.</summary>
    private static async Task<string> ConnectAsync(Guest guest, int port, string subsystem)
    {
        (await guest.ConnectAsync(port, subsystem, Stranger)).Code.ShouldNotBe(0);
        (int code, _, string error) = await guest.ConnectAsync(port, subsystem, Host);
        code.ShouldBe(0, error);
        return Guest.Disk(subsystem);
    }

    private static string Profile(string encryption = "none", string layers = "") => $$$"""
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.lvm", "eve.luks", "eve.keys", "eve.nvmet-tcp", "eve.qcow2"] },
          "Keys": { "Kind": "key-file" },
          "Encryption": "{{{encryption}}}",
          "Pools": { "data": { "Kind": "lvm", "Devices": ["serial:left", "serial:right"], "Redundancy": "Mirror"{{{layers}}} } },
          "Transports": { "tcp": { "Kind": "nvmet-tcp", "Options": { "Address": "10.0.2.15", "AllowUnauthenticated": true } } }
        }
        """;

    /// <summary>Makes a qcow2 image that has a text all over, between random bytes, and gives the digest of its disk.</summary>
    private async Task<string> MakeImageAsync(string name, string text)
    {
        byte[] disk = RandomNumberGenerator.GetBytes(ImageSize);
        for (int at = 0; at < ImageSize; at += TextEvery)
        {
            Encoding.ASCII.GetBytes(text, disk.AsSpan(at));
        }

        Directory.CreateDirectory(_place["share"]);
        await File.WriteAllBytesAsync(_place[$"{name}.raw"], disk);
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", _place[$"{name}.raw"], _place[$"share/{name}.qcow2"]);
        return Convert.ToHexStringLower(SHA256.HashData(disk));
    }

    private static async Task<bool> HoldsAsync(Drive drive, string text)
    {
        (int code, _, string error) = await Programs.RunAsync("grep", ["--text", "--quiet", "--fixed-strings", "--regexp", text, drive.File]);
        code.ShouldBeLessThan(2, error);
        return code == 0;
    }

    private static string Text(string what) => $"{what}-{Guid.NewGuid():N}";
}
