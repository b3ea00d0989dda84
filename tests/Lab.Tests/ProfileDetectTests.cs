using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Machines of other hardware: which profile fits each, and why.</summary>
public sealed class ProfileDetectTests : IDisposable
{
    private readonly TemporaryDirectory _drives = new();

    public void Dispose() => _drives.Dispose();

    [Fact]
    public async Task A_guest_of_a_hypervisor_gets_the_profile_for_one()
    {
        JsonElement choice = await ChoiceAsync(Guest.NewKernel, drives: 1, ByteSize.GiB(16));

        choice.GetProperty("profile").GetString().ShouldBe("vm-in-cloud");
        SoOf(choice, "a hypervisor is below").ShouldBe("the disk is thin and redundant where it is kept: volumes take their space when they are made");
        DevicesOf(choice).ShouldBe(["serial:drive0"]);
    }

    [Fact]
    public async Task A_small_board_gets_the_small_one_and_is_thick_below_8_GB()
    {
        JsonElement choice = await ChoiceAsync(Guest.NewKernel, drives: 1, ByteSize.GiB(4), "--bare", "--mem", "1024");

        choice.GetProperty("profile").GetString().ShouldBe("emmc-small");
        FoundOf(choice).ShouldContain(found => found.EndsWith("of memory, which is less than 4 GB", StringComparison.Ordinal));
        SoOf(choice, "less than 8 GB to have").ShouldStartWith("volumes take their space when they are made");
        choice.GetProperty("settings").GetProperty("Pools").GetProperty("data").GetProperty("Options").GetProperty("Provisioning").GetString().ShouldBe("Thick");
    }

    [Fact]
    public async Task A_server_of_four_drives_gets_ZFS_over_all_of_them()
    {
        JsonElement choice = await ChoiceAsync(Guest.NewKernelWithZfs, drives: 4, ByteSize.GiB(1000), "--bare", "--mem", "17408");

        choice.GetProperty("profile").GetString().ShouldBe("server-zfs");
        FoundOf(choice).ShouldContain(found => found.EndsWith(" of memory, OpenZFS", StringComparison.Ordinal));
        SoOf(choice, "no TPM 2.0").ShouldContain("at each boot");
        DevicesOf(choice).ShouldBe(["serial:drive0", "serial:drive1", "serial:drive2", "serial:drive3"]);
    }

    [Fact]
    public async Task The_same_without_the_module_zfs_gets_thin_logical_volumes_on_a_mirror()
    {
        JsonElement choice = await ChoiceAsync(Guest.NewKernel, drives: 4, ByteSize.GiB(1000), "--bare", "--mem", "17408");

        choice.GetProperty("profile").GetString().ShouldBe("single-ssd");
        SoOf(choice, "no OpenZFS in this kernel (module zfs), which server-zfs needs").ShouldBe("thin logical volumes");
        SoOf(choice, "4 free drives of one size").ShouldBe("a mirror: one may fail");
    }

    private async Task<JsonElement> ChoiceAsync(string kernel, int drives, ByteSize size, params string[] machine)
    {
        Guest.RequireLong();
        Guest.Require(kernel);
        IEnumerable<string> disks = Enumerable.Range(0, drives).Select(number => $"{Drive.Make(_drives.Path, $"drive{number}", size)}").Append($"{await PublishedHost.DriveAsync()}");
        await using Guest guest = await Guest.StartAsync(["--kernel", kernel, .. machine, .. disks.SelectMany(disk => new[] { "--disk", disk })]);
        return JsonDocument.Parse(await guest.RunAsync($"{PublishedHost.Mount}\nevestorage profile detect --json", 600)).RootElement;
    }

    private static IEnumerable<string> FoundOf(JsonElement choice) => choice.GetProperty("reasons").EnumerateArray().Select(reason => reason.GetProperty("found").GetString()!);

    private static string SoOf(JsonElement choice, string found)
        => choice.GetProperty("reasons").EnumerateArray().First(reason => reason.GetProperty("found").GetString() == found).GetProperty("so").GetString()!;

    private static IEnumerable<string> DevicesOf(JsonElement choice)
        => choice.GetProperty("settings").GetProperty("Pools").GetProperty("data").GetProperty("Devices").EnumerateArray().Select(device => device.GetString()!);
}
