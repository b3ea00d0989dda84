using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The encryption layer on a real kernel: each of DeviceMapperTests.</summary>
public sealed class LuksTests
{
    private const string Project = "EveStorage.Luks.Tests";
    private const int Tests = 11;

    [Theory]
    [InlineData("6.12", "no", "udevadm control --exit; while grep -qsx systemd-udevd /proc/[0-9]*/comm; do sleep 0.2; done")]   // as on EVE
    [InlineData("6.1", "yes", "udevadm control --ping")]
    public async Task The_layer_holds_what_it_says(string kernel, string udev, string prepare)
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory directory = new();
        string program = await TestsInGuest.PackAsync(directory, Project);
        await Programs.OutputAsync("truncate", "-s", "40M", directory["drive"]);
        await using Guest guest = await Guest.StartAsync(
            "--kernel", kernel, "--disk", $"{program},virtio,tests,ro", "--disk", $"{directory["drive"]},nvme,raw");

        await guest.RunAsync($"modprobe loop; {prepare}");

        (await TestsInGuest.RunAsync(guest, "tests", Project, "DeviceMapperTests", $"EVESTORAGE_TEST_DRIVE=$(lab-disk raw) EVESTORAGE_TEST_UDEV={udev}")).ShouldBe(Tests);
    }
}
