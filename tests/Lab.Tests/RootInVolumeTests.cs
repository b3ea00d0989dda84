namespace EveStorage.Tests;

/// <summary>The main job: a guest whose root is an imported image.</summary>
public sealed class RootInVolumeTests
{
    private const string Host = "nqn.2014-08.org.example:root";

    [Fact]
    public async Task A_guest_boots_from_an_imported_image_and_keeps_its_files_over_a_reboot()
    {
        Guest.Require();
        await using Evestorage product = new();
        await product.ServeAsync();
        await product.RunAsync("pool", "create", "data");
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-c", "-O", "qcow2", "-o", "compression_type=zstd", Guest.RootImage, product["root.qcow2"]);
        await product.RunAsync("image", "import", product["root.qcow2"], "data/root", "--verify");
        string subsystem = await product.ExportAsync("data/root", "--host", Host);

        await using Guest guest = await Guest.StartAsync("--root", $"{Guest.Address},{product.Port},{subsystem},{Host}");
        (await guest.RunAsync("findmnt -n -o SOURCE,FSTYPE /")).ShouldMatch("^/dev/nvme0n1 +ext4$");
        await guest.RunAsync("echo kept > /root/file && sync");
        await guest.RebootAsync();

        (await guest.RunAsync("cat /root/file && findmnt -n -o SOURCE /")).ShouldBe("kept\n/dev/nvme0n1");
    }
}
