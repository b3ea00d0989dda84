namespace EveStorage.Tests;

/// <summary>What a guest reads is what the image holds.</summary>
[Collection(OnOneGuest.Name)]
public sealed class ImageInGuestTests(ServedGuest served)
{
    private const string Host = "nqn.2014-08.org.example:images";

    [Fact]
    public async Task A_guest_reads_from_its_disk_what_the_image_holds()
    {
        Guest guest = served.Guest;
        Evestorage product = served.Product;
        // Data that no format can leave out, after a gap that it can.
        await Programs.OutputAsync("/bin/sh", "-c", $"truncate -s 32M '{product["raw"]}' && head -c 268439552 /dev/urandom >> '{product["raw"]}'");
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", product["raw"], product["image.qcow2"]);
        await Programs.OutputAsync("qemu-img", "convert", "-O", "raw", product["image.qcow2"], product["converted"]);
        string digest = (await Programs.OutputAsync("sha256sum", product["converted"]))[..64];

        string imported = (await product.RunAsync("image", "import", product["image.qcow2"], "data/vm1", "--verify"))
            .GetProperty("results").GetProperty("sha256").GetString()!;
        string subsystem = await product.ExportAsync("data/vm1", "--host", Host);
        (int code, _, string error) = await guest.ConnectAsync(product.Port, subsystem, Host);
        code.ShouldBe(0, error);
        string read = await guest.RunAsync($"sha256sum < {Guest.Disk(subsystem)}", 240);
        await guest.RunAsync($"nvme disconnect -n {subsystem}");

        imported.ShouldBe(digest);
        read[..64].ShouldBe(digest);
    }
}
