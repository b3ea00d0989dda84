using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// How a pool's drives are called for life. ZFS knows them by ids of its own, and by paths that may be another drive's after a
/// reboot: what a drive was called when it came in is kept in the pool, so that a missing one has a name.
/// </summary>
internal static class PoolDrives
{
    /// <summary>The names of all drives, for the pool's property: those that are there as they are called now, the others as before.</summary>
    internal static async Task<string> DescribeAsync(Zpool zpool, string? before, CancellationToken cancellationToken)
        => Describe(await PoolReport.AskAsync(zpool, await ZfsTools.LoadAsync(cancellationToken), cancellationToken), before);

    /// <summary>The same of a report.</summary>
    internal static string Describe(PoolReport report, string? before)
        => string.Join(',', report.Drives.Select(drive => $"{drive.Guid}={Uri.EscapeDataString(CalledOf(drive, before))}"));

    /// <summary>What a drive is called: by itself when it is there, else as it was called.</summary>
    internal static string CalledOf(Vdev drive, string? names)
        => FindDevice(drive) is Drive there ? ZfsDrive.CalledOf(there)
            : Property.In(names, drive.Guid) is string name ? Uri.UnescapeDataString(name)
            : drive.Path ?? drive.Name;

    /// <summary>The device that a drive of a pool is now; null when it is missing, or another is in its place.</summary>
    internal static Drive? FindDevice(Vdev drive)
        => drive.Path is string path && drive.State is not ("UNAVAIL" or "REMOVED") ? Drive.Find(path) : null;

    /// <summary>The drive of a pool that is called so: by its name for life, its path, or ZFS's id of it; null when there is none.</summary>
    internal static Vdev? Find(PoolReport report, string? names, string called)
    {
        Drive? device = Drive.Find(called);
        string? identity = device is null ? null : ZfsDrive.CalledOf(device);
        return report.Drives.FirstOrDefault(drive => drive.Guid == called || drive.Path == called || CalledOf(drive, names) is string name
            && (name == called || name == identity || $"serial:{name}" == called || $"wwn:{name}" == called));
    }
}
