using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>A pool as asked for, checked.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Group">Its volume group.</param>
/// <param name="Devices">Its devices as the profile names them.</param>
/// <param name="Shape">How it will be made.</param>
internal sealed record PoolRequest(PoolName Name, string Group, IReadOnlyList<string> Devices, PoolShape Shape)
{
    /// <summary>Checks a specification.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>, with every reason.</exception>
    internal static PoolRequest Check(PoolSpec spec, LvmOptions options)
    {
        List<string> wrong = [];
        string group = options.GroupOf(spec.Name);
        if (LvmOptionsValidator.WhyNoGroup(group) is string reason)
        {
            wrong.Add($"the volume group {group} {reason}: set the option VolumeGroup");
        }

        int drives = spec.Devices.Count;
        if (drives == 0)
        {
            wrong.Add("a pool of logical volumes needs a device");
        }
        else if (drives < Redundancy.LeastDrives(spec.Redundancy))
        {
            wrong.Add($"{spec.Redundancy} needs {Redundancy.LeastDrives(spec.Redundancy)} devices, and {drives} are declared");
        }

        if (spec.Devices.Distinct(StringComparer.Ordinal).Count() != drives)
        {
            wrong.Add("a device is declared twice");
        }

        if (options.Stripes > 1 && (spec.Redundancy != PoolRedundancy.None || options.Stripes > drives))
        {
            wrong.Add($"Stripes {options.Stripes} is for pools without redundancy that have so many devices");
        }

        if (spec.Redundancy != PoolRedundancy.None)
        {
            wrong.AddRange(KernelModule.Missing(("dm-raid", "CONFIG_DM_RAID")));
        }

        return wrong.Count == 0
            ? new(spec.Name, group, spec.Devices, new(spec.Redundancy, options.Provisioning, drives, options.Stripes))
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{spec.Name}", string.Join("; ", wrong));
    }
}
