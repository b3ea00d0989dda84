using System.Text.RegularExpressions;

namespace EveStorage.Tests;

/// <summary>What a real host sees of the target.</summary>
[Collection(OnOneGuest.Name)]
public sealed partial class GuestOnTargetTests(ServedGuest served)
{
    [Fact]
    public async Task A_host_that_is_not_named_is_refused()
    {
        const string Named = "nqn.2014-08.org.example:named";
        await served.Product.RunAsync("volume", "create", "data/closed", "16MiB");
        string subsystem = await served.Product.ExportAsync("data/closed", "--host", Named);

        (int code, _, string error) = await served.Guest.ConnectAsync(served.Product.Port, subsystem, "nqn.2014-08.org.example:stranger");
        code.ShouldNotBe(0);
        error.ShouldContain("Input/output error");
        (await served.Guest.RunAsync("dmesg | grep stranger")).ShouldContain("is not allowed");

        (code, _, error) = await served.Guest.ConnectAsync(served.Product.Port, subsystem, Named);
        code.ShouldBe(0, error);
        await served.Guest.RunAsync("nvme disconnect -n " + subsystem);
    }

    [Fact]
    public async Task A_guest_goes_on_when_the_target_is_killed_and_started_again()
    {
        await using ConnectedVolume volume = await served.ConnectAsync("killed", "64MiB");

        // fio 3.33 can write to its helper's pipe when that has gone; the signal would end it, and is no news of the disk.
        string fio = "trap '' PIPE; fio --name=verified --direct=1 --ioengine=libaio --iodepth=16 --rw=randwrite --bs=4k --size=48M --verify=crc32c --verify_fatal=1";

        Task<string> written = served.Guest.RunAsync($"{fio} --filename={volume.Disk}", 300);
        await served.Guest.UntilAsync($"[ $(awk '{{print $7}}' {Counters(volume.Disk)}) -gt 4096 ]");
        await served.Product.KillAsync();
        await served.Guest.UntilAsync("dmesg | grep -q 'error recovery\\|Reconnecting'");
        written.IsCompleted.ShouldBeFalse("fio has to be at it when the target is killed, and to wait for it");
        await served.Product.ServeAsync();

        (await written).ShouldContain("err= 0");
        (await served.Guest.RunAsync("dmesg")).ShouldContain("Successfully reconnected");
    }

    [Fact]
    public async Task A_grown_volume_and_one_that_is_added_and_removed_are_seen_without_a_scan()
    {
        await using ConnectedVolume volume = await served.ConnectAsync("first", "16MiB");
        string second = Guest.Disk(volume.Subsystem, 2);

        await served.Product.RunAsync("volume", "resize", volume.Name, "48MiB");
        await served.Guest.UntilAsync($"[ $(blockdev --getsize64 {volume.Disk}) = {48 << 20} ]");

        await served.Product.RunAsync("volume", "create", "data/second", "32MiB");
        await served.Product.ExportAsync("data/second", "--host", volume.Host, "--subsystem", volume.Subsystem);
        await served.Guest.UntilAsync($"[ $(blockdev --getsize64 {second}) = {32 << 20} ]");

        await served.Product.RunAsync("export", "remove", "data/second");
        await served.Guest.UntilAsync($"[ ! -b {second} ]");
        await served.Guest.RunAsync($"[ -b {volume.Disk} ]");
    }

    [Fact]
    public async Task A_volume_of_the_subsystem_that_names_another_host_is_not_seen()
    {
        await using ConnectedVolume volume = await served.ConnectAsync("ours", "16MiB");
        await served.Product.RunAsync("volume", "create", "data/theirs", "16MiB");
        await served.Product.ExportAsync("data/theirs", "--host", "nqn.2014-08.org.example:them", "--subsystem", volume.Subsystem);

        (await served.Guest.RunAsync($"nvme ns-rescan /dev/$(ls -d $(dirname $(grep -lx {volume.Subsystem} /sys/class/nvme/*/subsysnqn)) | xargs -n1 basename); nvme list-ns {volume.Disk}"))
            .ShouldBe("[   0]:0x1");
    }

    /// <summary>Linux ends a connection whose target does not grant the digests that it asked for.</summary>
    [Fact]
    public async Task Header_and_data_digests_are_kept()
    {
        await using ConnectedVolume volume = await served.ConnectAsync("digests", "32MiB", "--hdr-digest --data-digest");

        await served.Guest.RunAsync("head -c 33554432 /dev/urandom > /tmp/data && dd if=/tmp/data bs=1M oflag=direct status=none of=" + volume.Disk);
        string read = await served.Guest.RunAsync($"sha256sum < /tmp/data; dd if={volume.Disk} bs=1M iflag=direct status=none | sha256sum; rm /tmp/data");

        string[] digests = read.Split('\n');
        digests[0].ShouldBe(digests[1]);
        (await served.Guest.RunAsync("dmesg")).ShouldNotContain("digest error");
    }

    [Fact]
    public async Task What_a_guest_discards_the_pool_has_again()
    {
        await using ConnectedVolume volume = await served.ConnectAsync("discarded", "64MiB");
        long empty = await UsedAsync();

        await served.Guest.RunAsync($"dd if=/dev/urandom bs=1M count=32 oflag=direct status=none of={volume.Disk} && sync");
        long full = await UsedAsync();
        await served.Guest.RunAsync($"blkdiscard {volume.Disk}");
        long again = await UsedAsync();

        full.ShouldBeGreaterThanOrEqualTo(empty + (32 << 20));
        again.ShouldBeLessThan(empty + (1 << 20));
    }

    [Fact]
    public async Task Two_guests_have_two_volumes_and_neither_the_others()
    {
        await using ConnectedVolume ours = await served.ConnectAsync("guest-one", "32MiB");
        const string OtherHost = "nqn.2014-08.org.example:guest-two";
        await served.Product.RunAsync("volume", "create", "data/guest-two", "32MiB");
        string subsystem = await served.Product.ExportAsync("data/guest-two", "--host", OtherHost);
        await using Guest other = await Guest.StartAsync();
        (int code, _, string error) = await other.ConnectAsync(served.Product.Port, subsystem, OtherHost);
        code.ShouldBe(0, error);

        string[] written = await Task.WhenAll(WriteAsync(served.Guest, ours.Disk), WriteAsync(other, Guest.Disk(subsystem)));
        written[0].ShouldNotBe(written[1]);
        string[] read = await Task.WhenAll(ReadAsync(served.Guest, ours.Disk), ReadAsync(other, Guest.Disk(subsystem)));

        read.ShouldBe(written);
        (code, _, _) = await other.ConnectAsync(served.Product.Port, ours.Subsystem, OtherHost);
        code.ShouldNotBe(0);
        string discovered = await other.RunAsync($"nvme discover -t tcp -a {Guest.Address} -s {served.Product.Port} {Guest.As(OtherHost)}");
        SubsystemNames().Matches(discovered).Select(m => m.Groups[1].Value).Where(n => !n.EndsWith(".discovery", StringComparison.Ordinal)).ShouldBe([subsystem]);
    }

    [GeneratedRegex(@"subnqn:\s+(\S+)")]
    private static partial Regex SubsystemNames();

    private static async Task<string> WriteAsync(Guest guest, string disk)
        => await guest.RunAsync($"head -c 33554432 /dev/urandom | tee >(dd of={disk} bs=1M iflag=fullblock oflag=direct status=none) | sha256sum; sync; sleep 1");

    private static async Task<string> ReadAsync(Guest guest, string disk)
        => await guest.RunAsync($"dd if={disk} bs=1M iflag=direct status=none | sha256sum");

    /// <summary>What the kernel counts of a disk, the seventh being the sectors written (Documentation/block/stat.rst).</summary>
    private static string Counters(string disk) => $"/sys/block/$(basename {disk})/stat";

    private async Task<long> UsedAsync()
        => (await served.Product.RunAsync("pool", "status", "data")).GetProperty("status").GetProperty("used").GetInt64();
}
