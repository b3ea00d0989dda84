using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>A guest whose root is a volume that is there before its image is copied.</summary>
public sealed class LazyRootTests
{
    private const string Host = "nqn.2014-08.org.example:lazy-root";
    private const long HeldBack = 1;

    // What the image has, and what the guest wrote.
    private const string Hash = "find /usr/bin /etc /root/written -xdev -type f -print0 | sort -z | xargs -0 sha256sum";

    [Fact]
    public async Task A_guest_boots_and_writes_while_the_copy_is_held_back_and_finds_all_of_it_after_a_crash_of_the_host_and_the_copy()
    {
        Guest.Require();
        Guest.RequireLong();
        await using Evestorage product = new();
        product.LimitLazyCopy(HeldBack);
        await product.ServeAsync();
        await product.RunAsync("pool", "create", "data");
        await Programs.OutputAsync("qemu-img", "convert", "-f", "raw", "-c", "-O", "qcow2", "-o", "compression_type=zstd", Guest.RootImage, product["root.qcow2"]);
        await product.RunAsync("image", "import", product["root.qcow2"], "data/root", "--lazy");
        string subsystem = await product.ExportAsync("data/root", "--host", Host);

        await using Guest guest = await Guest.StartAsync("--root", $"{Guest.Address},{product.Port},{subsystem},{Host}");
        await guest.RunAsync("mkdir /root/written && for i in 1 2 3 4; do head -c 4194304 /dev/urandom > /root/written/$i; done; sync");
        (await ImageAsync(product)).ShouldNotBeNull().GetProperty("state").GetString().ShouldBe("copying");
        await product.KillAsync();
        await product.ServeAsync();
        string before = await guest.RunAsync($"sync; {Hash}", 600);
        (await ImageAsync(product)).ShouldNotBeNull();

        await product.KillAsync();
        product.LimitLazyCopy(0);
        await product.ServeAsync();
        while (await ImageAsync(product) is not null)
        {
            await Task.Delay(1000, TestContext.Current.CancellationToken);
        }

        await guest.RebootAsync();
        (await guest.RunAsync(Hash, 600)).ShouldBe(before);
        (await guest.RunAsync("findmnt -n -o SOURCE /; dmesg | grep -i 'ext4.*error\\|I/O error' || true")).ShouldBe("/dev/nvme0n1");
    }

    private static async Task<JsonElement?> ImageAsync(Evestorage product)
        => (await product.RunAsync("volume", "show", "data/root")).TryGetProperty("image", out JsonElement image) ? image : null;
}
