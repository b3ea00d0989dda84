using System.Globalization;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A file that is applied on a pool of logical volumes by the program, which is killed at moments of its time.</summary>
public sealed class ApplyKillTests(ITestOutputHelper output)
{
    private const int Kills = 10;

    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage", "Desired": { "Images": ["/root"] },
          "Plugins": { "Enabled": ["eve.lvm", "eve.raw"] },
          "Pools": { "data": { "Kind": "lvm", "Devices": ["serial:data"], "Options": { "MaxVolumes": 16 } } }
        }
        """;

    // What a turn's file takes away the next one's makes again, so that each has something to do.
    private const string Prepare = """
        head -c 16M /dev/urandom > /root/disk.raw
        echo '{ "pools": { "data": {} }, "volumes": { "data/kept": { "size": "8MiB" }, "data/gone": { "size": "8MiB" } } }' > /root/first.json
        echo '{ "volumes": { "data/a": { "size": "8MiB" }, "data/disk": { "image": { "file": "disk.raw", "format": "raw" } }, "data/gone": { "absent": true } } }' > /root/odd.json
        echo '{ "volumes": { "data/a": { "absent": true }, "data/disk": { "absent": true }, "data/gone": { "size": "8MiB" } } }' > /root/even.json
        vgcreate -q theirs $(lab-disk theirs) && lvcreate -q -L 8M -n disk theirs
        """;

    private const string Fill = "for disk in /dev/mapper/evestorage--data-kept /dev/mapper/theirs-disk; do head -c 8M /dev/urandom | dd of=$disk bs=1M iflag=fullblock oflag=direct conv=nocreat status=none; done";

    private const string Foreign = """
        for disk in /dev/mapper/evestorage--data-kept /dev/mapper/theirs-disk; do sha256sum < $disk; done
        lvs --noheadings -o lv_uuid,lv_size,lv_tags evestorage-data/kept theirs/disk
        """;

    [Fact]
    public async Task Killed_at_any_moment_it_is_made_so_by_the_same_file_and_nothing_foreign_has_changed()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory drives = new();
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile, "--disk", $"{Drive.Make(drives.Path, "data", ByteSize.GiB(1))}", "--disk", $"{Drive.Make(drives.Path, "theirs", ByteSize.MiB(64))}");
        Guest guest = hosted.Guest;
        await guest.RunAsync(Prepare);
        await guest.RunAsync(Apply("first"), 300);
        await guest.RunAsync(Fill);
        string foreign = await guest.RunAsync(Foreign);
        double whole = double.Parse(await guest.RunAsync($"s=$(date +%s%N); {Apply("odd")} > /dev/null; echo $(( ($(date +%s%N) - s) / 1000000 ))", 300), CultureInfo.InvariantCulture) / 1000;
        Random random = new(1);
        for (int kill = 0; kill < Kills; kill++)
        {
            string file = kill % 2 == 0 ? "even" : "odd";
            double at = whole * ((kill + random.NextDouble()) / Kills);

            await guest.RunAsync($"timeout -s KILL {at.ToString("0.000", CultureInfo.InvariantCulture)} {Apply(file)} > /root/said 2>&1 || true", 300);
            string mended = await guest.RunAsync(Apply(file), 300);

            output.WriteLine($"kill {kill + 1} at {at:0.00} of {whole:0.00} s, then: {mended.Split('\n')[^1]}");
            (await guest.RunAsync(Apply(file), 300)).ShouldBe("nothing differs, of 3");
            (await guest.RunAsync(Foreign)).ShouldBe(foreign);
        }

        (await guest.RunAsync("lvs --noheadings -o lv_name evestorage-data")).ShouldNotContain("tmp-");
    }

    // The wrapper would be killed, and not the program.
    private static string Apply(string file) => $"dotnet /program/evestorage.dll apply /root/{file}.json --yes --profile /root/profile.json";
}
