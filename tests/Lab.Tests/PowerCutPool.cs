using EveStorage.PowerTrial;

namespace EveStorage.Tests;

/// <summary>What a machine's pool is of, and how it is looked at without the product.</summary>
internal abstract class PowerCutPool
{
    /// <summary>The host's profile.</summary>
    internal abstract string Profile { get; }

    /// <summary>What the guest needs.</summary>
    internal virtual string[] GuestOptions => [];

    /// <summary>What is done in each guest before the host is started.</summary>
    internal virtual string Prepare => "true";

    /// <summary>Whether a volume goes back to its newest snapshot alone, and only while nothing was cloned of it.</summary>
    internal virtual bool RollsBackAlongALine => false;

    /// <summary>A volume's device.</summary>
    internal abstract string DeviceOf(string volume);

    /// <summary>Looks.</summary>
    internal abstract Task<PowerCutFound> LookAsync(Guest guest, Moment moment);
}

/// <summary>What there is after a power cut.</summary>
/// <param name="Shape">The volumes, as <see cref="Ledger.Shape"/> has them.</param>
/// <param name="Wrong">What should not be there.</param>
/// <param name="IdOf">A volume's id.</param>
/// <param name="DigestOf">A script that prints the digest of a volume's snapshot, by its label and size in MiB.</param>
internal sealed record PowerCutFound(string Shape, IReadOnlyList<string> Wrong, Func<string, string> IdOf, Func<string, string, int, string> DigestOf);

/// <summary>A pool of logical volumes.</summary>
internal sealed class LvmPowerCutPool : PowerCutPool
{
    internal override string Profile => """
        {
          "State": "/kept/state", "Run": "/run/evestorage", "Images": { "Keep": "00:00:00" },
          "Plugins": { "Enabled": ["eve.lvm", "eve.luks", "eve.keys", "eve.raw"] },
          "Keys": { "Kind": "key-file", "Options": { "Directory": "/kept/keys", "AllowPersistent": true } },
          "Pools": { "data": { "Kind": "lvm", "Devices": ["serial:pool0", "serial:pool1"], "Options": { "MaxVolumes": 16 },
                               "Layers": [{ "Kind": "luks2", "Placement": "OverVolume", "Options": { "Cipher": "aes-xts" } }] } }
        }
        """;

    internal override string Prepare => "udevadm control --exit";

    internal override string DeviceOf(string volume) => Machine.PathOf(volume.Replace('-', '+'));

    internal override async Task<PowerCutFound> LookAsync(Guest guest, Moment moment)
    {
        LogicalVolumes found = LogicalVolumes.Read(
            await guest.RunAsync($"lvm {LogicalVolumes.Report} --config 'devices/use_devicesfile=0' --devices {Guest.DriveOf("pool0")},{Guest.DriveOf("pool1")}"), moment);
        return new(found.Shape, found.Wrong, found.IdOf, (volume, label, mebiBytes) => $"""
            dmsetup create looked-at --noudevsync --readonly --table '0 {mebiBytes << 11} thin {Machine.PathOf("Thinpool")}-tpool {found.ThinIdOf(volume, label)}'
            dmsetup mknodes; sha256sum < /dev/mapper/looked-at | cut -c1-64; dmsetup remove --noudevsync looked-at
            """);
    }
}
