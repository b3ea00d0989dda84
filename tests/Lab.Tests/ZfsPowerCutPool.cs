using System.Globalization;
using EveStorage.PowerTrial;

namespace EveStorage.Tests;

/// <summary>A pool of ZFS's.</summary>
internal sealed class ZfsPowerCutPool : PowerCutPool
{
    private const string Volumes = "evestorage-data/volumes";
    private const int Overhead = 16;   // a LUKS2 header's, in MiB

    internal override string Profile => """
        {
          "State": "/kept/state", "Run": "/run/evestorage", "Images": { "Keep": "00:00:00" },
          "Plugins": { "Enabled": ["eve.zfs", "eve.luks", "eve.keys", "eve.raw"] },
          "Keys": { "Kind": "key-file", "Options": { "Directory": "/kept/keys", "AllowPersistent": true } },
          "Pools": { "data": { "Kind": "zfs", "Devices": ["serial:pool0", "serial:pool1"],
                               "Layers": [{ "Kind": "luks2", "Placement": "OverVolume", "Options": { "Cipher": "aes-xts" } }] } }
        }
        """;

    internal override string[] GuestOptions => ["--kernel", Guest.NewKernelWithZfs];

    internal override bool RollsBackAlongALine => true;

    internal override string DeviceOf(string volume) => $"/dev/zvol/{Volumes}/{volume}";

    internal override async Task<PowerCutFound> LookAsync(Guest guest, Moment moment)
    {
        string[][] rows =
        [
            .. (await guest.RunAsync($"zfs list -Hp -r -t volume,snapshot -o name,volsize,evestorage:volume.id,clones {Volumes}")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line[(Volumes.Length + 1)..].Split('\t')),
        ];
        HashSet<string> encrypted = [.. moment.Before.Volumes.Concat(moment.UnderWay?.After.Volumes ?? moment.Before.Volumes).Where(volume => volume.Value.Encrypted).Select(volume => volume.Key)];
        string shape = string.Join(' ', rows.Where(row => !row[0].Contains('@')).OrderBy(row => row[0], StringComparer.Ordinal).Select(row => Ledger.Describe(
            row[0], (long.Parse(row[1], CultureInfo.InvariantCulture) >> 20) - (encrypted.Contains(row[0]) ? Overhead : 0),
            rows.Where(other => other[0].StartsWith($"{row[0]}@", StringComparison.Ordinal)).Select(other => other[0].Split('@')[1]).Where(label => !label.StartsWith('_')))));
        string[] wrong =
        [
            .. rows.Where(row => row[0].StartsWith('_') || row[0].StartsWith("tmp-", StringComparison.Ordinal) || !Guid.TryParse(row[2], out _)
                || (row[0].Contains("@_", StringComparison.Ordinal) && row[3] is "-" or "")).Select(row => $"{row[0]} is left"),
        ];
        return new(shape, wrong, volume => rows.First(row => row[0] == volume)[2], (volume, label, _) => $"""
            zfs clone {Volumes}/{volume}@{label} evestorage-data/looked-at; udevadm settle
            for i in $(seq 100); do [ -b /dev/zvol/evestorage-data/looked-at ] && break; sleep 0.2; done
            sha256sum < /dev/zvol/evestorage-data/looked-at | cut -c1-64
            udevadm settle; for i in $(seq 50); do zfs destroy evestorage-data/looked-at && break; sleep 0.2; done
            """);
    }
}
