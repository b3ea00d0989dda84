using System.Globalization;
using EveStorage.Host.Api;

namespace EveStorage.Host.Devices;

/// <summary>The block devices of this machine, as /sys and /proc tell them. Nothing is opened.</summary>
internal static class BlockDevices
{
    private const string Root = "/sys/block";
    private const int SectorSize = 512;   // the kernel counts in these, whatever the device has

    /// <summary>Every device that has a size, without loop, ram and zram devices that stand for nothing.</summary>
    internal static IReadOnlyList<DeviceReport> List()
    {
        string[] mounts = ReadMounts();
        return [.. Directory.EnumerateDirectories(Root)
            .Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal)
            .Select(name => Describe(name, mounts))
            .Where(device => device.Size.Bytes > 0)];
    }

    private static DeviceReport Describe(string name, string[] mounts)
    {
        string path = Path.Combine(Root, name);
        string[] partitions = [.. Directory.EnumerateDirectories(path).Where(child => File.Exists(Path.Combine(child, "partition"))).Select(child => Path.GetFileName(child))];
        return new()
        {
            Name = name,
            StablePath = StablePathOf(name),
            Serial = Read(path, "wwid") ?? Read(path, "device/wwid") ?? Read(path, "device/serial") ?? Read(path, "serial"),
            Model = Read(path, "device/model") ?? Read(path, "device/name"),
            Size = new(long.Parse(Read(path, "size") ?? "0", CultureInfo.InvariantCulture) * SectorSize),
            Rotational = Read(path, "queue/rotational") == "1",
            Uses =
                [
                    .. partitions.Select(partition => $"partition {partition}"),
                    .. Holders(path).Concat(partitions.SelectMany(partition => Holders(Path.Combine(path, partition)))),
                    .. partitions.Prepend(name).SelectMany(device => MountsOf(device, mounts)),
                    .. BackingOf(path),
                ],
        };
    }

    private static IEnumerable<string> Holders(string path)
        => Directory.Exists(Path.Combine(path, "holders"))
            ? Directory.EnumerateFileSystemEntries(Path.Combine(path, "holders")).Select(holder => $"held by {Path.GetFileName(holder)}")
            : [];

    private static IEnumerable<string> BackingOf(string path) => Read(path, "loop/backing_file") is string file ? [$"loop of {file}"] : [];

    // man 5 proc: the third field of mountinfo is the device's number, the fifth the mount point.
    private static IEnumerable<string> MountsOf(string device, string[] mounts)
        => Read(Path.Combine("/sys/class/block", device), "dev") is string number
            ? mounts.Select(line => line.Split(' ')).Where(fields => fields.Length > 4 && fields[2] == number).Select(fields => $"mounted at {fields[4]}")
            : [];

    private static string[] ReadMounts() => File.ReadAllLines("/proc/self/mountinfo");

    private static string? StablePathOf(string name)
    {
        const string ById = "/dev/disk/by-id";
        return !Directory.Exists(ById)
            ? null
            : Directory.EnumerateFiles(ById).Order(StringComparer.Ordinal)
                .FirstOrDefault(link => Path.GetFileName(new FileInfo(link).LinkTarget ?? "") == name);
    }

    private static string? Read(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file)).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // the attribute is not there, or the device answers no question
        }
    }
}
