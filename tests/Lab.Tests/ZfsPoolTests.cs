using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Pools of ZFS on a real kernel. `tests/ZfsTrial` runs in the guest and says each promise.</summary>
public sealed class ZfsPoolTests
{
    private const string Program = "dotnet /share/EveStorage.ZfsTrial.dll";

    // The trial is run as the build made it: nothing of it is compiled ahead, and a guest's processor is slow.
    private const int Seconds = 2400;

    [Fact]
    public async Task A_pool_is_locked_without_its_key_and_opens_with_it() => await RunAsync(Guest.NewKernelWithZfs, "locked", 1, "virtio", ByteSize.MiB(192));

    [Fact]
    public async Task A_pool_keeps_the_promises_of_snapshots() => await RunAsync(Guest.NewKernelWithZfs, "promises stripe", 1, "virtio", ByteSize.GiB(1), promises: "snapshot");

    [Theory]
    [InlineData(Guest.NewKernelWithZfs, "stripe", 1)]
    [InlineData(Guest.NewKernelWithZfs, "mirror", 2)]
    [InlineData(Guest.NewKernelWithZfs, "encrypted", 4)]
    [InlineData(Guest.OldKernelWithZfs, "encrypted", 4)]
    public async Task Each_kind_of_pool_keeps_every_promise(string kernel, string kind, int drives) => await RunLongAsync(kernel, $"promises {kind}", drives, "virtio");

    [Fact]
    public async Task What_is_not_ours_is_refused_and_stays_equal() => await RunLongAsync(Guest.NewKernelWithZfs, "refusals", 2, "virtio");

    [Fact]
    public async Task A_pool_outlives_a_drive_and_is_healed_by_another() => await RunLongAsync(Guest.NewKernelWithZfs, "drives", 5, "scsi");

    [Fact]
    public async Task An_operation_cut_short_before_any_of_ZFSs_commands_is_finished_or_undone() => await RunLongAsync(Guest.NewKernelWithZfs, "cuts", 1, "virtio");

    [Fact]
    public async Task So_is_one_on_a_file_system() => await RunLongAsync(Guest.NewKernelWithZfs, "cuts-file-systems", 1, "virtio");

    [Theory]
    [InlineData("streams")]
    [InlineData("streams-encrypted")]
    public async Task Real_streams_are_received_by_ZFS_itself_and_hold_what_the_volumes_held(string trial) => await RunLongAsync(Guest.NewKernelWithZfs, trial, 1, "virtio");

    [Fact]
    public async Task What_a_power_cut_left_of_a_pool_or_a_drive_is_finished_or_undone() => await RunLongAsync(Guest.NewKernelWithZfs, "half-made", 2, "virtio");

    [Fact]
    public async Task Drives_rest_checks_are_interrupted_and_keys_change() => await RunLongAsync(Guest.NewKernelWithZfs, "care", 2, "scsi");

    private static async Task RunLongAsync(string kernel, string trial, int count, string bus)
    {
        Guest.RequireLong();
        await RunAsync(kernel, trial, count, bus, ByteSize.GiB(1));
    }

    private static async Task RunAsync(string kernel, string trial, int count, string bus, ByteSize size, string promises = "")
    {
        Guest.Require(kernel);
        using TemporaryDirectory place = new();
        Drive[] drives = [.. Enumerable.Range(0, count).Select(number => Drive.Make(place.Path, $"zfs{number}", size, bus))];
        await using Guest guest = await Guest.StartAsync(
            ["--kernel", kernel, "--share", RepositoryFiles.Path("artifacts/bin/EveStorage.ZfsTrial/debug"), .. drives.SelectMany(drive => (string[])["--disk", $"{drive}"])]);

        string output = await guest.RunAsync($"PROMISE={promises} {Program} {trial} {string.Join(' ', drives.Select(drive => $"serial:{drive.Serial}"))} 2>&1 || echo \"BROKEN: the trial ended with $?\"", Seconds);

        output.Split('\n').Where(line => line.StartsWith("BROKEN", StringComparison.Ordinal)).ShouldBeEmpty(output);
        // Those that a word chooses are a good part of all, or it has chosen nothing any more.
        output.Split('\n').Count(line => line.StartsWith("kept: ", StringComparison.Ordinal)).ShouldBeGreaterThan(promises.Length == 0 ? 0 : 15, output);
    }
}
