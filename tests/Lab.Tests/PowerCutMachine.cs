using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.PowerTrial;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The drives of a machine with a pool, what was acknowledged of it, and the guests that have them in turn.</summary>
internal sealed class PowerCutMachine : IDisposable
{
    // Of somebody else's: a file system, and a volume group.
    private static readonly string[] s_theirs = ["files", "group"];

    private readonly TemporaryDirectory _place = new();
    private readonly ITestOutputHelper _output;
    private readonly PowerCutPool _pool;
    private readonly Random _random;
    private readonly Course _course;
    private readonly Drive[] _drives;
    private Moment _moment = new(new(), null, false);
    private TimeSpan _longest = TimeSpan.FromSeconds(5);
    private string? _foreign;

    internal PowerCutMachine(PowerCutPool pool, int seed, ITestOutputHelper output)
    {
        _output = output;
        _pool = pool;
        _random = new(seed);
        _course = new(seed, importsEncrypted: false, pool.RollsBackAlongALine);
        (string Serial, int MebiBytes)[] drives = [("state", 96), ("pool0", 256), ("pool1", 256), .. s_theirs.Select(serial => (serial, 64))];
        _drives = [.. drives.Select(drive => Drive.Make(_place.Path, drive.Serial, ByteSize.MiB(drive.MebiBytes)))];
    }

    /// <summary>Starts a guest, sees that all is there, goes on with the course, and cuts its power in the midst of an act.</summary>
    internal async Task RunUntilKilledAsync(string title)
    {
        HostedGuest hosted = await StartAsync();
        try
        {
            await InspectAsync(hosted);
            for (int whole = _random.Next(4); ; whole--)
            {
                Act act = _course.Next(_moment.Before);
                long start = Stopwatch.GetTimestamp();
                Task<string?> taken = TakeAsync(hosted, act);
                if (whole <= 0 && await Task.WhenAny(taken, Task.Delay(_longest * _random.NextDouble())) != taken)
                {
                    await hosted.DisposeAsync();
                    bool acknowledged = await taken is null;
                    _moment = acknowledged ? new(act.After, null, false) : _moment with { UnderWay = act };
                    _output.WriteLine($"{title}: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s into '{act.Title}'{(acknowledged ? ", just done" : "")}");
                    return;
                }

                (await taken).ShouldBeNull(act.Title);
                _longest = Stopwatch.GetElapsedTime(start) is TimeSpan time && time > _longest ? time : _longest;
                _moment = new(act.After, null, false);
            }
        }
        finally
        {
            await hosted.DisposeAsync();
        }
    }

    /// <summary>Starts a guest and sees that all is there.</summary>
    internal async Task InspectAsync()
    {
        await using HostedGuest hosted = await StartAsync();
        await InspectAsync(hosted);
    }

    public void Dispose() => _place.Dispose();

    private async Task<HostedGuest> StartAsync()
    {
        HostedGuest hosted = await HostedGuest.StartAsync(_pool.Profile, [.. _pool.GuestOptions, .. _drives.SelectMany(drive => (string[])["--disk", $"{drive}"])]);
        Guest guest = hosted.Guest;
        await guest.RunAsync($"{_pool.Prepare}; mkdir /kept");
        if (_foreign is null)
        {
            await guest.RunAsync($"""
                mkfs.ext4 -q {Guest.DriveOf("state")}; mkfs.ext4 -q {Guest.DriveOf("files")}; pvcreate -q {Guest.DriveOf("group")}; vgcreate -q theirs {Guest.DriveOf("group")}; sync
                """);
            _foreign = await DigestForeignAsync();
        }

        await guest.RunAsync($"mount {Guest.DriveOf("state")} /kept; mkdir -p -m 0700 /kept/state /kept/keys");
        await hosted.ServeAsync();
        return hosted;
    }

    /// <summary>Does an act, and gives why it was not acknowledged, as when the power went before; null when it was.</summary>
    private async Task<string?> TakeAsync(HostedGuest hosted, Act act)
    {
        if (act.Request is ImportImage import)
        {
            return Reason(await hosted.Guest.TryAsync($"{Make(act.Image!)}evestorage image import /tmp/disk.raw data/{import.Volume} --format raw --profile /root/profile.json", 600));
        }

        if (act.Volume is string volume)
        {
            Content content = act.After.Volumes[volume].Now;
            string path = _pool.DeviceOf(volume);
            string writes = string.Concat(act.Pages.Distinct().Select(page =>
                $"yes '{Content.LineOf(content.Pages[page], page)}' | head -c {Content.PageSize} | dd of={path} bs={Content.PageSize} seek={page} oflag=direct iflag=fullblock status=none; "));
            return Reason(await hosted.Guest.TryAsync($"set -e; {writes}sync {path}", 300));
        }

        return await hosted.WhyNotAsync(JsonSerializer.Serialize(act.Request!, ApiJson.Compact));
    }

    private static string? Reason((int Code, string Output, string Error) ended) => ended.Code == 0 ? null : $"{ended.Error}{ended.Output}";

    // An image's runs of pages, the rest being holes.
    private static string Make(Content image)
    {
        const string lines = "{ line = \"page \" $1 \" as write \" w \" has it\\n\"; all = \"\"; while (length(all) < 4096) all = all line; printf \"%s\", substr(all, 1, 4096) }";
        int write = image.Pages.Values.First();
        int[] pages = [.. image.Pages.Keys];
        int[] starts = [.. pages.Where(page => !image.Pages.ContainsKey(page - 1))];
        string runs = string.Join(' ', starts.Select(start => $"{start}:{Enumerable.Range(start, image.Count).TakeWhile(image.Pages.ContainsKey).Last()}"));
        return $$"""
            rm -f /tmp/disk.raw; truncate -s {{image.MebiBytes}}M /tmp/disk.raw
            for run in {{runs}}; do
              seq ${run%:*} ${run#*:} | awk -v w={{write}} '{{lines}}' | dd of=/tmp/disk.raw bs=4096 seek=${run%:*} conv=notrunc iflag=fullblock status=none
            done

            """;
    }

    private async Task InspectAsync(HostedGuest hosted)
    {
        Ledger ledger = _moment.Before;
        JsonElement pool = await hosted.GetAsync("pools/data");
        (await hosted.GetAsync("operations")).EnumerateArray()
            .Where(operation => operation.GetProperty("state").GetString() is "running" or "reverting" or "needs-attention").ShouldBeEmpty();
        (await DigestForeignAsync()).ShouldBe(_foreign);
        if (!pool.GetProperty("created").GetBoolean())
        {
            ledger.HasPool.ShouldBeFalse($"{pool}");
            (await hosted.Guest.RunAsync($"wipefs --noheadings {Guest.DriveOf("pool0")} {Guest.DriveOf("pool1")}")).ShouldBeEmpty();
            _moment = new(ledger, null, false);
            return;
        }

        (await hosted.GetAsync("findings")).EnumerateArray().ShouldBeEmpty();
        PowerCutFound found = await _pool.LookAsync(hosted.Guest, _moment);
        found.Wrong.ShouldBeEmpty();
        string shown = string.Join(' ', (await hosted.GetAsync("pools/data/volumes")).EnumerateArray().OrderBy(volume => volume.GetProperty("name").GetString(), StringComparer.Ordinal)
            .Select(volume => Ledger.Describe(
                volume.GetProperty("name").GetString()!, volume.GetProperty("size").GetInt64() >> 20,
                volume.GetProperty("snapshots").EnumerateArray().Select(snapshot => snapshot.GetProperty("label").GetString()!))));
        shown.ShouldBe(found.Shape);
        Ledger[] possible = _moment.UnderWay is Act { After: Ledger after } ? [ledger, after] : [ledger];
        found.Shape.ShouldBeOneOf([.. possible.Select(one => one.Shape)]);
        _moment = new(await ReadAsync(hosted.Guest, found, [.. possible.Where(one => one.Shape == found.Shape)]), null, false);
    }

    /// <summary>Compares what the volumes hold, and gives what is so now.</summary>
    private async Task<Ledger> ReadAsync(Guest guest, PowerCutFound found, Ledger[] possible)
    {
        Ledger now = possible[0];
        foreach ((string name, KeptVolume volume) in possible[0].Volumes)
        {
            if (volume.Encrypted)
            {
                await guest.RunAsync($"cryptsetup open --test-passphrase --key-file /kept/keys/volume-{found.IdOf(name)}/key {_pool.DeviceOf(name)}");
                continue;
            }

            Content[] contents = [.. possible.Select(one => one.Volumes[name].Now).SelectMany(one => Between(volume.Now, one)).Distinct()];
            string digest = await guest.RunAsync($"sha256sum < {_pool.DeviceOf(name)} | cut -c1-64");
            Content? there = contents.FirstOrDefault(content => Digest(content) == digest);
            there.ShouldNotBeNull($"{name} has other bytes than were flushed");
            now = now.With(name, now.Volumes[name] with { Now = there });
            foreach ((string label, Content content) in volume.Snapshots)
            {
                string frozen = await guest.RunAsync(found.DigestOf(name, label, content.MebiBytes));
                frozen.ShouldBe(Digest(content), $"{name}@{label}");
            }
        }

        return now;
    }

    // A write under way may have come to some of its pages; what is rolled back is all of one or all of the other.
    private IEnumerable<Content> Between(Content before, Content after)
    {
        if (_moment.UnderWay is not Act { Volume: not null, Pages: IReadOnlyList<int> pages } || before == after)
        {
            return [before, after];
        }

        int[] changed = [.. pages.Distinct()];
        return Enumerable.Range(0, 1 << changed.Length).Select(which => before.With(
            after.Pages[changed[0]], changed.Where((_, at) => (which & (1 << at)) != 0)));
    }

    private static string Digest(Content content)
    {
        using MemoryStream bytes = new();
        content.WriteTo(bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
    }

    private async Task<string> DigestForeignAsync()
    {
        List<string> digests = [];
        foreach (string serial in s_theirs)
        {
            await using FileStream drive = File.OpenRead(_place[$"{serial}.img"]);
            digests.Add(Convert.ToHexStringLower(await SHA256.HashDataAsync(drive)));
        }

        return string.Join(' ', digests);
    }
}
