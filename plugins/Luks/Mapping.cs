using System.Globalization;

namespace EveStorage.Luks;

/// <summary>An open device of dm-crypt, as /sys has it.</summary>
/// <param name="Device">What the kernel calls it: <c>dm-3</c>.</param>
/// <param name="Name">Its name in /dev/mapper.</param>
/// <param name="Uuid">What made it, and of what: <c>CRYPT-LUKS2-</c>, the header's id without hyphens, the name.</param>
internal sealed record Mapping(string Device, string Name, string Uuid)
{
    private const string Blocks = "/sys/block";
    private const int SectorSize = 512;   // the kernel counts in these, whatever the device has

    /// <summary>Its size.</summary>
    internal ByteSize Size => new(long.Parse(Read(Device, "size") ?? "0", CultureInfo.InvariantCulture) * SectorSize);

    /// <summary>Finds the one called <paramref name="name"/>; null when nothing of the device mapper is called so.</summary>
    internal static Mapping? Find(string name)
        => !Directory.Exists(Blocks)
            ? null
            : Directory.EnumerateDirectories(Blocks, "dm-*")
                .Select(path => Path.GetFileName(path))
                .Where(device => Read(device, "dm/name") == name)
                .Select(device => new Mapping(device, name, Read(device, "dm/uuid") ?? ""))
                .FirstOrDefault();

    /// <summary>Whether it was opened from <paramref name="header"/>.</summary>
    internal bool IsOf(LuksHeader header) => Uuid == $"CRYPT-LUKS2-{header.Uuid.Replace("-", "", StringComparison.Ordinal)}-{Name}";

    /// <summary>Whether it was opened from some LUKS2 header, which may be out of reach by now.</summary>
    internal bool IsOfLuks => Uuid.StartsWith("CRYPT-LUKS2-", StringComparison.Ordinal) && Uuid.EndsWith($"-{Name}", StringComparison.Ordinal);

    /// <summary>Who uses it, as far as the kernel tells, for a person.</summary>
    internal IReadOnlyList<string> Users()
    {
        string holders = Path.Combine(Blocks, Device, "holders");
        string number = Read(Device, "dev") ?? "";
        return
        [
            .. Directory.Exists(holders) ? Directory.EnumerateFileSystemEntries(holders).Select(NameOf) : [],

            // man 5 proc: the third field of mountinfo is the device's number, the fifth the mount point.
            .. File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')).Where(fields => fields.Length > 4 && fields[2] == number).Select(fields => $"a mount at {fields[4]}"),
            .. Programs(),
        ];
    }

    private static string NameOf(string holder) => Read(Path.GetFileName(holder), "dm/name") ?? Path.GetFileName(holder);

    private IEnumerable<string> Programs()
    {
        string[] paths = [$"/dev/{Device}", $"/dev/mapper/{Name}"];
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(path => Path.GetFileName(path).All(char.IsAsciiDigit)))
        {
            if (HasOpen(process, paths))
            {
                yield return $"{ReadFile(Path.Combine(process, "comm")) ?? "a program"} (process {Path.GetFileName(process)})";
            }
        }
    }

    private static bool HasOpen(string process, string[] paths)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")).Any(descriptor => paths.Contains(new FileInfo(descriptor).LinkTarget));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // it ended while we looked, or is not ours to look at
        }
    }

    private static string? Read(string device, string attribute) => ReadFile(Path.Combine(Blocks, device, attribute));

    private static string? ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // it went while we looked
        }
    }
}
