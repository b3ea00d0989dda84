using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Streams, with ZFS itself at the other end.</summary>
public sealed class ZfsStreamTests
{
    [Fact]
    public async Task ZFS_receives_what_image_save_wrote_of_a_volume_of_files_byte_for_byte()
    {
        Guest.Require(Guest.NewKernelWithZfs);
        using TemporaryDirectory place = new();
        string share = Directory.CreateDirectory(place["share"]).FullName;
        await using Evestorage product = new();
        await product.ServeAsync();
        await product.RunAsync("pool", "create", "data");
        // Data, a gap, and data that ends within a block of the stream's.
        await Programs.OutputAsync("/bin/sh", "-c", $"head -c 3M /dev/urandom > '{place["raw"]}'; truncate -s 24M '{place["raw"]}'; head -c 1000000 /dev/urandom >> '{place["raw"]}'; truncate -s 32M '{place["raw"]}'");
        string digest = (await Programs.OutputAsync("sha256sum", place["raw"]))[..64];
        await product.RunAsync("image", "import", place["raw"], "data/vm1", "--format", "raw");
        await product.RunAsync("image", "save", "data/vm1", Path.Combine(share, "vm1.zs"), "--format", "zfs-stream");
        await using Guest guest = await Guest.StartAsync("--kernel", Guest.NewKernelWithZfs, "--share", share, "--disk", $"{Drive.Make(place.Path, "tank", ByteSize.MiB(256))}");

        await guest.RunAsync($"zpool create -m none tank {Guest.DriveOf("tank")}; zfs receive tank/vm1 < /share/vm1.zs; udevadm settle");
        await guest.UntilAsync("[ -b /dev/zvol/tank/vm1 ]");
        string received = await guest.RunAsync("sha256sum < /dev/zvol/tank/vm1");

        received[..64].ShouldBe(digest);
    }
}
