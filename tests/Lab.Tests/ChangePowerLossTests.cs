using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// A change that was told to have succeeded is there after a power loss at that moment. The host runs in a guest, its pool on a
/// device whose stable writes are logged; the pool of each moment is then opened here.
/// </summary>
public sealed class ChangePowerLossTests : IDisposable
{
    private const int ImageSize = 4 << 20;
    private readonly TemporaryDirectory _place = new();
    private readonly byte[] _image = RandomNumberGenerator.GetBytes(ImageSize);

    /// <summary>What there is at each mark: volumes, snapshots of the second one, and what that one reads as.</summary>
    private static readonly Dictionary<string, Pool> s_expected = new()
    {
        ["created"] = new(["vm1"], 0, Content.Absent),
        ["imported"] = new(["vm1", "vm2"], 0, Content.Image),
        ["frozen"] = new(["vm1", "vm2"], 1, Content.Image),
        ["written"] = new(["vm1", "vm2"], 1, Content.Other),
        ["rolled-back"] = new(["vm1", "vm2"], 1, Content.Image),
        ["deleted"] = new(["vm2"], 1, Content.Image),
    };

    private enum Content
    {
        Absent,
        Image,
        Other,
    }

    private string Pools => _place["pools"];

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task What_a_change_made_is_there_after_a_power_loss_right_after_it()
    {
        Guest.RequireLong();
        Guest.Require();
        Assert.SkipUnless(Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("CI") == "true", "mounting needs root");
        Drive disk = Drive.Make(_place.Path, "disk", ByteSize.MiB(96));
        Drive log = Drive.Make(_place.Path, "log", ByteSize.MiB(512));
        await Programs.OutputAsync("mke2fs", "-q", "-t", "ext4", disk.File);
        await Programs.OutputAsync("cp", disk.File, _place["replayed"]);

        await ChangeAsync(disk, log);

        List<string> seen = [];
        Directory.CreateDirectory(Pools);
        foreach (string mark in MarkedLog.Replay(log.File, _place["replayed"]))
        {
            (await LookAsync()).ShouldBe(s_expected[mark], mark);
            seen.Add(mark);
        }

        seen.ShouldBe(s_expected.Keys);
    }

    /// <summary>Makes the changes in a guest, and a mark in the log after each.</summary>
    private async Task ChangeAsync(Drive disk, Drive log)
    {
        Directory.CreateDirectory(_place["share"]);
        await File.WriteAllBytesAsync(_place["share/image.raw"], _image);
        await using HostedGuest product = await HostedGuest.StartAsync(Profile(""), "--share", _place["share"], "--disk", $"{disk}", "--disk", $"{log}");
        await product.Guest.RunAsync($"""
            set -e
            modprobe -a dm-log-writes ext4
            dmsetup create logged --table "0 $(blockdev --getsz {Guest.DriveOf("disk")}) log-writes {Guest.DriveOf("disk")} {Guest.DriveOf("log")}"
            mkdir -p {Pools}
            mount -t ext4 /dev/mapper/logged {Pools}
            """);
        await product.ServeAsync();
        await product.ChangeAsync("""{"change":"create-pool","pool":"data"}""");

        await product.ChangeAsync("""{"change":"create-volume","pool":"data","volume":"vm1","size":8388608}""");
        await MarkAsync("created");
        await product.RunAsync("image", "import", "/share/image.raw", "data/vm2", "--format", "raw");
        await MarkAsync("imported");
        await product.ChangeAsync("""{"change":"take-snapshots","pool":"data","snapshots":["vm2@one"]}""");
        await MarkAsync("frozen");
        string path = (await product.GetAsync("pools/data/volumes/vm2")).GetProperty("path").GetString()!;
        await product.Guest.RunAsync($"dd if=/dev/urandom of={path} bs=1M count=1 conv=notrunc,fsync status=none");
        await MarkAsync("written");
        await product.ChangeAsync("""{"change":"roll-back","pool":"data","snapshot":"vm2@one"}""");
        await MarkAsync("rolled-back");
        await product.ChangeAsync("""{"change":"delete-volume","pool":"data","volume":"vm1"}""");
        await MarkAsync("deleted");

        async Task MarkAsync(string name) => await product.Guest.RunAsync($"dmsetup message logged 0 mark {name}");
    }

    /// <summary>Opens the pool as it lies on the replayed disk.</summary>
    private async Task<Pool> LookAsync()
    {
        await Programs.OutputAsync("cp", _place["replayed"], _place["checked"]);
        await Programs.OutputAsync("mount", "-o", "loop", _place["checked"], Pools);
        try
        {
            await File.WriteAllTextAsync(_place["profile.json"], Profile($"\"State\": \"{_place["state"]}\", \"Run\": \"{_place["run"]}\","));
            string said = await Programs.OutputAsync(Path.Combine(BuiltHost.Directory, "evestorage"), "volume", "list", "--json", "--profile", _place["profile.json"]);
            JsonElement[] volumes = [.. JsonDocument.Parse(said).RootElement.EnumerateArray()];
            JsonElement? second = volumes.Where(v => v.GetProperty("name").GetString() == "vm2").Select(v => (JsonElement?)v).SingleOrDefault();
            Content content = second is not JsonElement imported ? Content.Absent
                : (await File.ReadAllBytesAsync(imported.GetProperty("path").GetString()!)).AsSpan().SequenceEqual(_image) ? Content.Image : Content.Other;
            return new([.. volumes.Select(v => v.GetProperty("name").GetString()!).Order()], second?.GetProperty("snapshots").GetArrayLength() ?? 0, content);
        }
        finally
        {
            await Programs.OutputAsync("umount", Pools);
        }
    }

    private string Profile(string places) => $$"""
        {
          {{places}}
          "Plugins": { "Enabled": ["eve.file", "eve.raw"] },
          "Pools": { "data": { "Kind": "file", "Devices": ["{{Pools}}/data"] } }
        }
        """;

    private sealed record Pool(IReadOnlyList<string> Volumes, int Snapshots, Content SecondReads)
    {
        public bool Equals(Pool? other) => other is not null && Volumes.SequenceEqual(other.Volumes) && Snapshots == other.Snapshots && SecondReads == other.SecondReads;

        public override int GetHashCode() => HashCode.Combine(Volumes.Count, Snapshots, SecondReads);
    }
}
