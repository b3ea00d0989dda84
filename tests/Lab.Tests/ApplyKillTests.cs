using System.Globalization;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A file that is applied on a pool of logical volumes by the program, which is killed at moments of its time.</summary>
public sealed class ApplyKillTests(ITestOutputHelper output)
{
    private const int Cuts = 10;

    // A kill that comes when all is done, or nothing begun, counts for nothing: another one follows.
    private const int MaxKills = 40;

    private const string Changes = "3";

    private const string KilledBySignal = "137";

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

    // Journaled operations since the mark: how many have ended well, and the first that has not.
    private const string Journaled = """
        find /root/state/operations -name '*.json' -newer /root/mark -exec cat {} + | jq -rs '
          [.[].operation] | sort_by(.started) | (map(select(.state == "succeeded")) | length) as $done | (map(select(.state != "succeeded"))[0]) as $cut
          | (map(.steps[] | select(.outcome != "pending")) | length) as $begun
          | "\($done) \($begun) \(if $cut then "\($cut.request.change): \($cut.steps | map(.outcome) | join(", "))" else "between two" end)"'
        """;

    [Fact]
    public async Task Killed_at_any_moment_of_its_changes_it_is_made_so_by_the_same_file_and_nothing_foreign_has_changed()
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
        string[] whole = (await guest.RunAsync(Started("odd", "s=$(date +%s%N); wait $pid; echo $(( ($(date +%s%N) - s) / 1000000 ))"), 300)).Split('\n');
        double changes = double.Parse(whole[^1], CultureInfo.InvariantCulture) / 1000;
        Random random = new(1);
        int cuts = 0;
        for (int kill = 1; cuts < Cuts; kill++)
        {
            kill.ShouldBeLessThanOrEqualTo(MaxKills, $"only {cuts} kills have cut a run");
            string file = kill % 2 == 1 ? "even" : "odd";
            double at = changes * ((cuts + random.NextDouble()) / Cuts);

            string[] killed = (await guest.RunAsync(Started(file, $"sleep {at.ToString("0.000", CultureInfo.InvariantCulture)}; kill -KILL $pid; wait $pid; echo $?; {Journaled}"), 300)).Split('\n');
            string mended = await guest.RunAsync(Apply(file), 300);

            (string code, string[] journaled) = (killed[^2], killed[^1].Split(' ', 3));
            bool isCut = code == KilledBySignal && journaled[0] != Changes && journaled[1] != "0";
            cuts += isCut ? 1 : 0;
            changes = isCut || journaled[0] != Changes ? changes : Math.Min(changes, at);   // it takes no longer than to a moment when all was done
            output.WriteLine($"kill {kill} at {at:0.00} of {changes:0.00} s, {(isCut ? $"cut {cuts}" : "no cut")}: exit {code}, {journaled[0]} of {Changes} done, {journaled[2]}; then: {mended.Split('\n')[^1]}");
            (await guest.RunAsync(Apply(file), 300)).ShouldBe("nothing differs, of 3");
            (await guest.RunAsync(Foreign)).ShouldBe(foreign);
        }

        (await guest.RunAsync("lvs --noheadings -o lv_name evestorage-data")).ShouldNotContain("tmp-");
    }

    // The wrapper would be killed, and not the program.
    private static string Apply(string file) => $"dotnet /program/evestorage.dll apply /root/{file}.json --yes --profile /root/profile.json";

    // Starting takes most of its time here, and changes nothing: what follows is done when its first operation is journaled, or it has ended.
    private static string Started(string file, string then) => $$"""
        touch /root/mark
        {{Apply(file)}} > /root/said 2>&1 &
        pid=$!
        while kill -0 $pid 2> /dev/null && [ -z "$(find /root/state/operations -name '*.json' -newer /root/mark)" ]; do sleep 0.05; done
        {{then}}
        """;
}
