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
    {
        IReadOnlyList<string> labelled = Labelled(declared);
        if (labelled.Count == 0)
        {
            return null;
        }

        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("pvs", PhysicalVolume.Fields, labelled, [], cancellationToken);
        List<PhysicalVolume> drives = [.. rows.Select(PhysicalVolume.Read).Where(drive => drive.Group == name && !drive.IsMissing)];
        return drives.Select(drive => drive.GroupUuid).Distinct().ToList() switch
        {
            [] => null,
            [_] => new(tools, name, [.. drives.Select(drive => drive.Path)]),
            var several => throw new StorageException(
                StorageErrorKind.Conflict, name,
                $"is the name of {several.Count} volume groups, on {string.Join(", ", drives.Select(drive => drive.Path))}: take the drives of the other one away"),
        };
    }

    /// <summary>Looks again where the drives of a group are: they may have gone, or come back under another name.</summary>
    internal static async Task RefreshAsync(VolumeGroup group, IReadOnlyList<string> declared, CancellationToken cancellationToken)
    {
        if (await FindGroupAsync(group.Tools, group.Name, declared, cancellationToken) is VolumeGroup found)
        {
            group.Devices = found.Devices;
        }
    }

    /// <summary>The devices that carry LVM's label.</summary>
    internal static IReadOnlyList<string> Labelled(IReadOnlyList<string> declared)
    {
        IReadOnlyList<Drive> drives = Drive.List();
        IEnumerable<Drive> named = declared.Select(device => Drive.Find(device)).OfType<Drive>();
        return [.. drives.Where(drive => !drive.IsFabric).Concat(named).Select(NodeOf).Distinct(StringComparer.Ordinal).Where(HasLabel)];
    }

    /// <summary>The path that LVM takes for a device: for a dm device that of /dev/mapper, which is there without udev too.</summary>
    internal static string NodeOf(Drive drive) => DeviceMapper.NameIn(drive.Name) is string name ? DeviceMapper.PathOf(name) : drive.Path;

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
