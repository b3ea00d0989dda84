using System.Globalization;
using System.Text.RegularExpressions;

namespace EveStorage.Linux;

/// <summary>Reads drives in /sys.</summary>
internal static partial class DriveSysfs
{
    private const string Blocks = "/sys/block";
    private const string Classes = "/sys/class/block";
    private const string PartitionName = "PARTNAME=";
    private const int SectorSize = 512;   // the kernel counts in these, whatever the device has

    private static readonly string[] s_stacked = ["dm-", "md", "loop", "ram", "zram", "nbd", "drbd", "zd", "sr", "fd"];

    internal static IReadOnlyList<Drive> List()
        => [.. Directory.EnumerateDirectories(Blocks)
            .Where(path => !s_stacked.Any(prefix => Path.GetFileName(path).StartsWith(prefix, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal)
            .SelectMany(Describe)
            .Where(drive => drive.Size.Bytes > 0)];

    internal static Drive? ByPath(string path, IReadOnlyList<Drive> drives)
    {
        if (!Path.IsPathRooted(path) || !File.Exists(path))
        {
            return null;
        }

        string node = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        string name = Path.GetFileName(node);
        return drives.FirstOrDefault(drive => drive.Path == node) ?? OtherOf(name) ?? MapperOf(node);
    }

    /// <summary>The names of what is made of a device or a partition: <c>dm-3</c>.</summary>
    internal static IEnumerable<string> HoldersOf(string name)
    {
        string holders = Path.Combine(Classes, name, "holders");
        return Directory.Exists(holders) ? Directory.EnumerateFileSystemEntries(holders).Select(holder => Path.GetFileName(holder)) : [];
    }

    /// <summary>The partitions of a drive.</summary>
    internal static IEnumerable<string> PartitionsOf(string name)
    {
        string place = Path.Combine(Blocks, name);
        return Directory.Exists(place)
            ? Directory.EnumerateDirectories(place).Where(child => File.Exists(Path.Combine(child, "partition"))).Select(child => Path.GetFileName(child))
            : [];
    }

    internal static string? Read(params string[] path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(path)).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // the attribute is not there, or the device answers no question
        }
    }

    internal static ByteSize SizeOf(string path) => new(long.Parse(Read(path, "size") ?? "0", CultureInfo.InvariantCulture) * SectorSize);

    private static IEnumerable<Drive> Describe(string path)
    {
        // A path of a multipath device is hidden and has no node.
        if (Read(path, "hidden") == "1" || DriveAt(path) is not Drive drive)
        {
            yield break;
        }

        yield return drive;
        foreach (string partition in PartitionsOf(drive.Name).Order(StringComparer.Ordinal))
        {
            string place = Path.Combine(path, partition);
            yield return drive with
            {
                Name = partition,
                Number = Read(place, "dev") ?? "",
                Size = SizeOf(place),
                Partition = int.Parse(Read(place, "partition") ?? "0", CultureInfo.InvariantCulture),
                PartitionName = Read(place, "uevent")?.Split('\n').FirstOrDefault(line => line.StartsWith(PartitionName, StringComparison.Ordinal))?[PartitionName.Length..],
            };
        }
    }

    private static Drive? DriveAt(string path)
    {
        if (Read(path, "dev") is not string number)
        {
            return null;   // it went while we looked
        }

        string real = RealPath(path);
        string? controller = ControllerOf(real);
        return new()
        {
            Name = Path.GetFileName(path),
            Number = number,
            Directory = real,
            Size = SizeOf(path),
            WorldWideName = Read(path, "wwid") ?? Read(path, "device/wwid") ?? Read(path, "device/cid"),
            Serial = Read(path, "device/serial") ?? Read(path, "serial") ?? ScsiSerial(path),
            Model = Read(path, "device/model") ?? Read(path, "device/name"),
            IsRotational = Read(path, "queue/rotational") == "1",
            IsRemovable = Read(path, "removable") == "1",
            PciAddress = PciAddress().Matches(controller is null ? real : RealPath(controller)).LastOrDefault()?.Value,
            Transport = TransportOf(real, controller),
        };
    }

    // A dm device given by a path, as a layer under a pool shows it.
    private static Drive? OtherOf(string name)
        => Read(Classes, name, "dev") is string number
            ? new() { Name = name, Number = number, Directory = Path.Combine(Classes, name), Size = SizeOf(Path.Combine(Classes, name)), WorldWideName = Read(Classes, name, "dm/uuid") }
            : null;

    // Without udev /dev/mapper/NAME is a node of its own and no link to /dev/dm-N.
    private static Drive? MapperOf(string node)
        => Path.GetDirectoryName(node) == "/dev/mapper" && MappedDevice.Find(Path.GetFileName(node)) is MappedDevice found ? OtherOf(found.Kernel) : null;

    // The page 0x80 of SPC: four bytes of header, then the number in ASCII.
    private static string? ScsiSerial(string path)
        => Read(path, "device/vpd_pg80") is { Length: > 4 } page && page[4..].Trim().Trim('\0') is { Length: > 0 } serial ? serial : null;

    // A multipath head belongs to a subsystem, whose controllers lie in it.
    private static string? ControllerOf(string real)
    {
        string device = RealPath(Path.Combine(real, "device"));
        return !Path.GetFileName(device).StartsWith("nvme-subsys", StringComparison.Ordinal)
            ? null
            : Directory.EnumerateDirectories(device, "nvme*").FirstOrDefault(child => File.Exists(Path.Combine(child, "transport")));
    }

    private static string? TransportOf(string real, string? controller)
        => Read(controller ?? Path.Combine(real, "device"), "transport")
            ?? (real.Contains("/virtio", StringComparison.Ordinal) && !real.Contains("/target", StringComparison.Ordinal) ? "virtio"
                : real.Contains("/mmc", StringComparison.Ordinal) ? "mmc"
                : real.Contains("/target", StringComparison.Ordinal) ? "scsi"
                : null);

    // The last component may be a link, and those before it are none.
    private static string RealPath(string path)
    {
        string? target = new FileInfo(path).LinkTarget;
        return target is null ? path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, target));
    }

    [GeneratedRegex("[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]", RegexOptions.None, 1000)]
    private static partial Regex PciAddress();
}
