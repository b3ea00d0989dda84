using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// A device on its way into a pool or out of it. Of a whole drive ZFS makes a table of two partitions, the first with its data and
/// the ninth with nothing; a partition, or what a layer shows, it takes as it is.
/// </summary>
internal static class ZfsDrive
{
    private const int DataPartition = 1;
    private const int ReservedPartition = 9;

    /// <summary>The drive that <paramref name="device"/> names.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>.</exception>
    internal static Drive Require(string device)
        => Drive.Find(device) ?? throw new StorageException(StorageErrorKind.NotFound, device, "is no device of this machine: see 'evestorage device list'");

    /// <summary>The path that ZFS is given: for what a layer shows that of /dev/mapper, which stays.</summary>
    internal static string NodeOf(Drive drive) => MappedDevice.NameOf(drive.Name) is string name ? $"/dev/mapper/{name}" : drive.Path;

    /// <summary>The whole drive, where ZFS made the partition that it uses; else the device itself.</summary>
    internal static Drive WholeOf(Drive drive)
        => drive.Partition == DataPartition && PartitionsOf(drive).Any(other => other.Partition == ReservedPartition)
            ? Drive.List().FirstOrDefault(other => other.Partition is null && IsOf(drive, other)) ?? drive
            : drive;

    /// <summary>How it is called for life; what a layer shows is called as the drive below it.</summary>
    internal static string CalledOf(Drive drive) => PhysicalOf(WholeOf(drive)).Identity;

    /// <summary>The drive itself, where a device is a layer over one.</summary>
    internal static Drive PhysicalOf(Drive device)
    {
        string name = device.Name;
        while (name.StartsWith("dm-", StringComparison.Ordinal) && Directory.Exists($"/sys/block/{name}/slaves")
            && Directory.EnumerateFileSystemEntries($"/sys/block/{name}/slaves").ToList() is [string below])
        {
            name = Path.GetFileName(below);
        }

        return name == device.Name ? device : Drive.List().FirstOrDefault(drive => drive.Name == name) ?? device;
    }

    /// <summary>Where ZFS's label is on a device that was given to it.</summary>
    internal static string DataOf(Drive drive)
        => drive.Partition is null && PartitionsOf(drive).FirstOrDefault(part => part.Partition == DataPartition) is Drive part ? part.Path : NodeOf(drive);

    /// <summary>Every device of this machine on which a pool may be, and what the profile names: no guest's disk, and nothing that comes over a fabric.</summary>
    internal static IReadOnlyList<string> Candidates(IReadOnlyList<string> declared)
        => [.. Drive.List().Where(drive => !drive.IsFabric).Concat(declared.Select(device => Drive.Find(device)).OfType<Drive>()).Select(NodeOf).Distinct(StringComparer.Ordinal)];

    /// <summary>Refuses a drive that is in use or has anything on it that is known to anybody, but what a pool of ours left that is no more.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>; its bytes are as they were.</exception>
    internal static async Task CheckFreeAsync(Drive drive, string device, CancellationToken cancellationToken)
    {
        if (drive.Partition is null && MappedDevice.NameOf(drive.Name) is null && !ZvolNode.HasUdev)
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, device, "is a whole drive, which ZFS partitions, and then waits for udev to see that: no udev runs here, so name a partition of it");
        }

        if (IsLeft(drive))
        {
            return;
        }

        if (drive.IsFabric)
        {
            throw new StorageException(StorageErrorKind.Conflict, device, "is served over a fabric and no drive of this machine: a pool is not made on it");
        }

        IReadOnlyList<DeviceSignature> found = await DeviceSignature.FindAsync(NodeOf(drive), cancellationToken);
        string[] reasons = [.. DriveUse.Of(drive), .. found.Select(signature => $"it has a signature of {signature.Kind}")];
        if (reasons.Length > 0)
        {
            throw new StorageException(
                StorageErrorKind.Conflict, device, $"{string.Join(", ", reasons)}: it is left as it is; if nobody needs that, 'wipefs --all {NodeOf(drive)}' makes it free");
        }
    }

    /// <summary>Takes away what a pool of ours left on a drive that is no more: ZFS's labels, and the partitions that it made. Whether there was any.</summary>
    internal static async Task<bool> BlankAsync(ZfsTools tools, Drive drive, CancellationToken cancellationToken)
    {
        if (!IsLeft(drive))
        {
            return false;
        }

        await ClearAsync(tools, drive, cancellationToken);
        return true;
    }

    /// <summary>Takes ZFS's labels, and the partitions that it made, from a device of which the caller knows that no pool has it.</summary>
    internal static async Task ClearAsync(ZfsTools tools, Drive drive, CancellationToken cancellationToken)
    {
        string data = DataOf(drive);
        await tools.ZpoolAsync(data, ["labelclear", "-f", data], cancellationToken);   // without force it refuses what was not exported
        Command wipefs = Command.Find("wipefs") ?? throw new StorageException(StorageErrorKind.Unavailable, "wipefs", "is not installed: install util-linux");
        foreach (string node in ((string[])[data, NodeOf(drive)]).Distinct(StringComparer.Ordinal))
        {
            await wipefs.RunAsync(["--quiet", "--all", node], cancellationToken);
        }
    }

    /// <summary>Takes the partitions from a whole drive that ZFS made when it was given the drive, and then failed. The caller knows that it had none before.</summary>
    internal static async Task UnpartitionAsync(Drive drive, CancellationToken cancellationToken)
    {
        Drive[] parts = [.. PartitionsOf(drive)];
        if (drive.Partition is not null || parts.Length == 0 || VdevLabel.Find(DataOf(drive)) is not null || parts.Any(part => part.Partition is not (DataPartition or ReservedPartition)))
        {
            return;
        }

        Command wipefs = Command.Find("wipefs") ?? throw new StorageException(StorageErrorKind.Unavailable, "wipefs", "is not installed: install util-linux");
        await wipefs.RunAsync(["--quiet", "--all", drive.Path], cancellationToken);
    }

    // ZFS's own partitions and no other, and a label that says: ours, and destroyed or let go one by one.
    private static bool IsLeft(Drive drive)
        => VdevLabel.Find(DataOf(drive)) is { State: VdevLabelState.Destroyed } label && PoolComment.Read(label.Comment) is not null
            && PartitionsOf(drive).All(part => drive.Partition is not null || part.Partition is DataPartition or ReservedPartition);

    private static IEnumerable<Drive> PartitionsOf(Drive drive) => Drive.List().Where(other => other.Partition is not null && IsOf(other, drive));

    // sda and sda1, nvme0n1 and nvme0n1p1: a drive's partitions have its numbers of the kernel's and its name.
    private static bool IsOf(Drive one, Drive other) => Whole(one) == Whole(other);

    private static string Whole(Drive drive)
    {
        if (drive.Partition is not int number)
        {
            return drive.Name;
        }

        string name = drive.Name[..^$"{number}".Length];
        return name.EndsWith('p') && name.Length > 1 && char.IsAsciiDigit(name[^2]) ? name[..^1] : name;
    }
}
