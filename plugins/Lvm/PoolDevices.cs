using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Which devices of this machine a pool may be on. Guests' disks are none: what is made of other devices (dm, loop, zram)
/// and what comes over a fabric is not looked at, unless the profile names it, as it does with what a layer shows.
/// </summary>
internal static class PoolDevices
{
    private const int LabelSectors = 4;   // lvm2 looks for its label in the first four sectors
    private const int SectorSize = 512;

    /// <summary>The volume group <paramref name="name"/> with the drives it is on; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: there are two of that name.</exception>
    internal static async Task<VolumeGroup?> FindGroupAsync(LvmTools tools, string name, IReadOnlyList<string> declared, CancellationToken cancellationToken)
        => PathsOf(name, await ListAsync(tools, name, Labelled(declared), cancellationToken)) is { Count: > 0 } paths ? new(tools, name, paths) : null;

    /// <summary>Looks again where the drives of a group are, since they may have gone, or come back under another name, and gives them all, also the missing ones.</summary>
    internal static async Task<IReadOnlyList<PhysicalVolume>> RefreshAsync(VolumeGroup group, IReadOnlyList<string> declared, CancellationToken cancellationToken)
    {
        // Its own drives; the others of the machine only when one is missing: some may sleep, or not answer.
        string[] known = [.. declared, .. group.Devices];
        IReadOnlyList<PhysicalVolume> drives = await ListAsync(group.Tools, group.Name, WithLabel(Found(known)), cancellationToken);
        if (drives.Count == 0 || drives.Any(drive => drive.IsMissing))
        {
            drives = await ListAsync(group.Tools, group.Name, Labelled(known), cancellationToken);
        }

        if (PathsOf(group.Name, drives) is { Count: > 0 } paths && !paths.SequenceEqual(group.Devices))
        {
            group.Devices = paths;
        }

        return drives;
    }

    /// <summary>The devices that carry LVM's label, of this machine's drives and of what is declared.</summary>
    internal static IReadOnlyList<string> Labelled(IReadOnlyList<string> declared)
        => WithLabel(Drive.List().Where(drive => !drive.IsFabric).Concat(Found(declared)));

    /// <summary>The path that LVM takes for a device: for a dm device that of /dev/mapper, which is there without udev too.</summary>
    internal static string NodeOf(Drive drive) => DeviceMapper.NameIn(drive.Name) is string name ? DeviceMapper.PathOf(name) : drive.Path;

    private static IEnumerable<Drive> Found(IReadOnlyList<string> devices) => devices.Select(device => Drive.Find(device)).OfType<Drive>();

    private static IReadOnlyList<string> WithLabel(IEnumerable<Drive> drives) => [.. drives.Select(NodeOf).Distinct(StringComparer.Ordinal).Where(HasLabel)];

    private static async Task<IReadOnlyList<PhysicalVolume>> ListAsync(
        LvmTools tools, string name, IReadOnlyList<string> labelled, CancellationToken cancellationToken)
        => labelled.Count == 0
            ? []
            : [.. (await tools.ReportAsync("pvs", PhysicalVolume.Fields, labelled, [], cancellationToken)).Select(PhysicalVolume.Read).Where(drive => drive.Group == name)];

    private static IReadOnlyList<string> PathsOf(string name, IReadOnlyList<PhysicalVolume> drives)
    {
        List<PhysicalVolume> present = [.. drives.Where(drive => !drive.IsMissing)];
        return present.Select(drive => drive.GroupUuid).Distinct().ToList() is { Count: > 1 } several
            ? throw new StorageException(
                StorageErrorKind.Conflict, name,
                $"is the name of {several.Count} volume groups, on {string.Join(", ", present.Select(drive => drive.Path))}: take the drives of the other one away")
            : [.. present.Select(drive => drive.Path)];
    }

    /// <summary>The drive itself, where a device is a layer over it.</summary>
    internal static Drive PhysicalOf(Drive device)
    {
        string name = device.Name;
        while (DeviceMapper.BelowIn(name) is string below)
        {
            name = below;
        }

        return name == device.Name ? device : Drive.List().FirstOrDefault(drive => drive.Name == name) ?? device;
    }

    private static bool HasLabel(string path)
    {
        try
        {
            byte[] head = new byte[LabelSectors * SectorSize];
            using BlockFile device = BlockFile.Open(DriveNode.Resolve(path), writable: false);
            device.Read(0, head);
            return Enumerable.Range(0, LabelSectors).Any(sector => head.AsSpan(sector * SectorSize).StartsWith("LABELONE"u8));
        }
        catch (StorageException)
        {
            return false;   // it does not answer: then it holds no pool that can be opened
        }
    }
}
