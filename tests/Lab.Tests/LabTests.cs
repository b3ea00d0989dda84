using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What the other tests build on: the guests themselves.</summary>
public sealed class LabTests
{
    [Theory]
    [InlineData(Guest.NewKernel)]
    [InlineData(Guest.OldKernel)]
    public async Task Drives_of_each_kind_come_and_go(string kernel)
    {
        Guest.Require(kernel);
        using TemporaryDirectory place = new();
        Drive first = Drive.Make(place.Path, "first", ByteSize.MiB(64), "nvme");
        Drive late = Drive.Make(place.Path, "late", ByteSize.MiB(64), "scsi");
        await using Guest guest = await Guest.StartAsync("--kernel", kernel, "--disk", $"{first}", "--disk", $"{Drive.Make(place.Path, "second", ByteSize.MiB(64))}");

        (await guest.RunAsync("uname -r")).ShouldStartWith(kernel + ".");
        (await guest.RunAsync($"pvcreate -q {Guest.DriveOf("first")} {Guest.DriveOf("second")} > /dev/null && pvs --noheadings | wc -l")).ShouldBe("2");

        string device = await guest.AddDriveAsync(late);
        (await guest.RunAsync($"cat /sys/block/$(basename {device})/device/wwid")).ShouldStartWith("naa.5");
        await guest.RemoveDriveAsync("first");
        (await guest.TryAsync("lab-disk first")).Code.ShouldBe(1);
    }

    [Fact]
    public async Task What_was_written_before_a_power_cut_is_on_the_drive_of_the_next_guest()
    {
        Guest.Require();
        using TemporaryDirectory place = new();
        Drive drive = Drive.Make(place.Path, "kept", ByteSize.MiB(16));

        await using (Guest guest = await Guest.StartAsync("--disk", $"{drive}"))
        {
            await guest.RunAsync($"echo written | dd of={Guest.DriveOf("kept")} conv=fsync status=none");
        }

        await using Guest next = await Guest.StartAsync("--disk", $"{drive}");
        (await next.RunAsync($"head -n1 {Guest.DriveOf("kept")}")).ShouldBe("written");
    }

    [Fact]
    public async Task Two_guests_of_one_saved_state_draw_different_random_numbers()
    {
        Guest.Require();
        await using Guest one = await Guest.StartAsync();
        await using Guest two = await Guest.StartAsync();

        (await one.RunAsync("cat /proc/sys/kernel/random/uuid")).ShouldNotBe(await two.RunAsync("cat /proc/sys/kernel/random/uuid"));
    }

    [Fact]
    public async Task A_guest_with_a_tpm_has_the_same_one_when_it_starts_again()
    {
        Guest.Require();
        using TemporaryDirectory place = new();
        const string Primary = "export TPM2TOOLS_TCTI=device:/dev/tpmrm0; cd /tmp && tpm2_createprimary -Q -C o -G ecc -c primary && tpm2_readpublic -Q -c primary -f pem -o public && cat public";

        string before = await KeyAsync(place["tpm"], Primary);
        string after = await KeyAsync(place["tpm"], Primary);

        before.ShouldStartWith("-----BEGIN PUBLIC KEY-----");
        after.ShouldBe(before);
    }

    private static async Task<string> KeyAsync(string state, string script)
    {
        await using Guest guest = await Guest.StartAsync("--tpm", state);
        return await guest.RunAsync(script);
    }
}
