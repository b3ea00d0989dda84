namespace EveStorage.Linux;

/// <summary>
/// A block device that holds data by itself, a whole drive or a partition of one, as /sys has it. Nothing is opened. Its
/// name may change with a reboot; what it is called for life is <see cref="Identity"/>.
/// </summary>
public sealed record Drive
{
    /// <summary>What the kernel calls it now: <c>nvme0n1</c>, <c>sda3</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its node now.</summary>
    public string Path => $"/dev/{Name}";

    /// <summary>Its number, <c>259:0</c>.</summary>
    public required string Number { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>The number of the partition; null for a whole drive.</summary>
    public int? Partition { get; init; }

    /// <summary>What the table calls the partition; null where it has no name.</summary>
    public string? PartitionName { get; init; }

    /// <summary>The drive's world-wide name; null where it has none.</summary>
    public string? WorldWideName { get; init; }

    /// <summary>The drive's serial number; null where it has none.</summary>
    public string? Serial { get; init; }

    /// <summary>The drive's model.</summary>
    public string? Model { get; init; }

    /// <summary>Whether it turns.</summary>
    public bool IsRotational { get; init; }

    /// <summary>Whether it, or what is in it, can be taken out while the machine runs, as the kernel knows: a USB stick, a card reader.</summary>
    public bool IsRemovable { get; init; }

    /// <summary>The address of the PCI function it is behind, <c>0000:00:04.0</c>; null where there is none.</summary>
    public string? PciAddress { get; init; }

    /// <summary>How it is connected: <c>pcie</c>, <c>tcp</c> and <c>loop</c> for NVMe, <c>scsi</c>, <c>virtio</c>, <c>mmc</c>; null when unknown.</summary>
    public string? Transport { get; init; }

    /// <summary>Whether it is another machine's, or a volume that this machine serves to itself.</summary>
    public bool IsFabric => Transport is "tcp" or "loop" or "rdma" or "fc";

    /// <summary>How it is called for life: by its world-wide name, else its serial number, else its path; a partition's number follows.</summary>
    public string Identity
        => (WorldWideName ?? Serial) is string drive ? $"{drive}{Suffix}" : Path;

    /// <summary>Whether it can be told which of its space is not used: <c>queue/discard_max_bytes</c> of its drive in /sys.</summary>
    public bool TakesDiscard => DriveSysfs.Read(Directory, "queue/discard_max_bytes") is not (null or "0");

    private string Suffix => Partition is int number ? $"-part{number}" : "";

    /// <summary>The whole drive's place in /sys.</summary>
    internal string Directory { get; init; } = "";

    /// <summary>Every drive and partition of this machine, without what stands for other devices: dm, md, loop, ram, zram, nbd.</summary>
    public static IReadOnlyList<Drive> List() => DriveSysfs.List();

    /// <summary>
    /// Finds a device as a profile names it: <c>serial:X</c>, <c>wwn:X</c>, the two with <c>-part3</c> for a partition,
    /// <c>pci:ADDRESS</c>, or a path, whose links are followed. A device that is no drive, such as an open dm-crypt, is found by
    /// its path alone. Null when it is not there.
    /// </summary>
    /// <exception cref="StorageException">More than one drive is called so.</exception>
    public static Drive? Find(string device) => Find(device, DriveSysfs.List());

    /// <summary>The same among <paramref name="drives"/>.</summary>
    internal static Drive? Find(string device, IReadOnlyList<Drive> drives)
    {
        Func<Drive, bool>? isIt = device.Split(':', 2) switch
        {
            ["serial", string serial] => drive => drive.Serial is string own && $"{own}{drive.Suffix}" == serial,
            ["wwn", string name] => drive => drive.WorldWideName is string own && $"{own}{drive.Suffix}" == name,
            ["pci", string address] => drive => drive.Partition is null && drive.PciAddress == address,
            _ => null,
        };
        if (isIt is null)
        {
            return DriveSysfs.ByPath(device, drives);
        }

        Drive[] found = [.. drives.Where(isIt)];
        return found.Length < 2
            ? found.FirstOrDefault()
            : throw new StorageException(
                StorageErrorKind.Conflict, device, $"names {string.Join(" and ", found.Select(drive => drive.Path))}: name one by its path or its world-wide name");
    }
}
