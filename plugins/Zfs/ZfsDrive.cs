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

    // What libblkid calls that which ZFS leaves on a drive: its labels, and of its table what is not wiped yet.
    private static readonly string[] s_left = ["zfs_member", "gpt", "PMBR"];

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

    /// <summary>Refuses a drive that is in use or has anything on it that is known to anybody, but what is left of a pool of ours.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>; its bytes are as they were.</exception>
    internal static async Task CheckFreeAsync(Drive drive, string device, CancellationToken cancellationToken)
    {
        if (drive.Partition is null && MappedDevice.NameOf(drive.Name) is null && !ZvolNode.HasUdev)
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, device, "is a whole drive, which ZFS partitions, and then waits for udev to see that: no udev runs here, so name a partition of it");
        }

        if (await IsLeftAsync(drive, cancellationToken) && DriveUse.UsersOf(drive.Path).Count == 0)
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

    /// <summary>Takes away what is left on a drive of a pool of ours that is no more, or never was whole: ZFS's labels, and the partitions that it made. Whether there was any.</summary>
    internal static async Task<bool> BlankAsync(ZfsTools tools, Drive drive, CancellationToken cancellationToken)
    {
        if (!await IsLeftAsync(drive, cancellationToken))
        {
            return false;
        }

        await ClearAsync(tools, drive, cancellationToken);
        return true;
    }

    /// <summary>Has ZFS take drives that are free, by <paramref name="words"/> of zpool.</summary>
    internal static async Task GiveAsync(ZfsTools tools, string subject, IReadOnlyList<Drive> drives, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        foreach (Drive drive in drives)
        {
            await BlankAsync(tools, drive, cancellationToken);
            DriveClaim.Put(drive);
        }

        await tools.ZpoolAsync(subject, words, cancellationToken);
        foreach (Drive drive in drives)
        {
            DriveClaim.Take(drive);
        }
    }

    /// <summary>Takes ZFS's labels, and the partitions that it made, from a device of which the caller knows that no pool has it.</summary>
    internal static async Task ClearAsync(ZfsTools tools, Drive drive, CancellationToken cancellationToken)
    {
        DriveClaim.Put(drive);
        string data = DataOf(drive);
        if (VdevLabel.Find(data) is not null)
        {
            await tools.ZpoolAsync(data, ["labelclear", "-f", data], cancellationToken);   // without force it refuses what was not exported
        }

        Command wipefs = Command.Find("wipefs") ?? throw new StorageException(StorageErrorKind.Unavailable, "wipefs", "is not installed: install util-linux");
        foreach (string node in ((string[])[data, NodeOf(drive)]).Distinct(StringComparer.Ordinal))
        {
            await wipefs.RunAsync(["--quiet", "--all", node], cancellationToken);
        }

        DriveClaim.Take(drive);
    }

    // ZFS's own partitions and no other, in which there is nothing but ZFS's; and what says that they are ours: a
    // label of a pool that is no more, or our claim, where no pool has written more than a beginning. A label outlives the file system
    // that somebody has made in its place since.
    private static async Task<bool> IsLeftAsync(Drive drive, CancellationToken cancellationToken)
    {
        Drive[] parts = [.. PartitionsOf(drive)];
        string data = DataOf(drive);
        VdevLabel? label = VdevLabel.Find(data);
        bool isOurs = label is { State: VdevLabelState.Destroyed } ? PoolComment.Read(label.Comment) is not null
            : label is null or { Written: 0 } && DriveClaim.IsOn(drive) && (parts.Length == 0 || parts.Any(part => part.PartitionName?.StartsWith("zfs-", StringComparison.Ordinal) == true));
        return isOurs && (drive.Partition is not null || parts.All(part => part.Partition is DataPartition or ReservedPartition))
            && (await DeviceSignature.FindAsync(data, cancellationToken)).All(signature => s_left.Contains(signature.Kind));
    }

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
