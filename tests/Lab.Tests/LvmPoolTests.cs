using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Pools of logical volumes on a real kernel, without udev, as on EVE. `tests/LvmTrial` runs in the guest and says each promise.</summary>
public sealed class LvmPoolTests
{
    private const string Program = "dotnet /share/EveStorage.LvmTrial.dll";

    // The trial is run as the build made it: nothing of it is compiled ahead, and a guest's processor is slow.
    private const int Seconds = 2400;

    [Fact]
    public async Task A_thin_pool_keeps_the_promises_of_snapshots() => await RunAsync(Guest.NewKernel, "promises thin", 1, "virtio", ByteSize.GiB(1), promises: "snapshot");

    [Theory]
    [InlineData("thin", Guest.NewKernel, 1)]
    [InlineData("thick", Guest.NewKernel, 1)]
    [InlineData("mirror", Guest.NewKernel, 2)]
    [InlineData("thin", Guest.OldKernel, 1)]
    public async Task Each_kind_of_pool_keeps_every_promise(string kind, string kernel, int drives)
        => await RunLongAsync(kernel, $"promises {kind}", drives, "virtio", ByteSize.GiB(1));

    [Fact]
    public async Task What_is_not_ours_is_refused_and_stays_equal() => await RunAsync(Guest.NewKernel, "refusals", 2, "nvme", ByteSize.MiB(128));

    [Fact]
    public async Task A_pool_that_gets_full_warns_fails_its_writers_and_gets_room_from_a_drive()
        => await RunLongAsync(Guest.NewKernel, "filling", 2, "virtio", ByteSize.MiB(192));

    [Fact]
    public async Task A_pool_whose_metadata_gets_full_loses_nothing_that_was_flushed_and_is_healed_by_a_drive()
        => await RunLongAsync(Guest.NewKernel, "metadata", 2, "virtio", ByteSize.GiB(1));

    [Fact]
    public async Task A_mirror_outlives_a_drive_and_is_healed_by_another() => await RunLongAsync(Guest.NewKernel, "drives", 3, "scsi", ByteSize.MiB(256));

    [Fact]
    public async Task Thin_volumes_that_a_power_cut_left_half_made_are_whole_when_their_pool_is_opened()
        => await RunLongAsync(Guest.NewKernel, "half-made", 1, "virtio", ByteSize.MiB(256));

    [Theory]
    [InlineData("thin-cuts", 1)]
    [InlineData("thick-cuts", 2)]
    public async Task An_operation_cut_short_before_any_of_LVMs_commands_is_finished_or_undone(string trial, int drives)
        => await RunLongAsync(Guest.NewKernel, trial, drives, "virtio", ByteSize.MiB(256));

    [Fact]
    public async Task Streams_of_ZFS_are_replayed_onto_logical_volumes_or_leave_none() => await RunLongAsync(Guest.NewKernel, "streams", 1, "virtio", ByteSize.MiB(256));

    private static async Task RunLongAsync(string kernel, string trial, int count, string bus, ByteSize size)
    {
        Guest.RequireLong();
        await RunAsync(kernel, trial, count, bus, size);
    }

    private static async Task RunAsync(string kernel, string trial, int count, string bus, ByteSize size, string promises = "")
    {
        Guest.Require(kernel);
        using TemporaryDirectory place = new();
        Drive[] drives = [.. Enumerable.Range(0, count).Select(number => Drive.Make(place.Path, $"lvm{number}", size, bus))];
        await using Guest guest = await Guest.StartAsync(
            ["--kernel", kernel, "--share", RepositoryFiles.Path("artifacts/bin/EveStorage.LvmTrial/debug"), .. drives.SelectMany(drive => (string[])["--disk", $"{drive}"])]);
        await guest.RunAsync("udevadm control --exit");

        string output = await guest.RunAsync($"PROMISE={promises} {Program} {trial} {string.Join(' ', drives.Select(drive => $"serial:{drive.Serial}"))} 2>&1 || echo \"BROKEN: the trial ended with $?\"", Seconds);

        output.Split('\n').Where(line => line.StartsWith("BROKEN", StringComparison.Ordinal)).ShouldBeEmpty(output);
        // Those that a word chooses are a good part of all, or it has chosen nothing any more.
        output.Split('\n').Count(line => line.StartsWith("kept: ", StringComparison.Ordinal)).ShouldBeGreaterThan(promises.Length == 0 ? 0 : 15, output);
    }
}
