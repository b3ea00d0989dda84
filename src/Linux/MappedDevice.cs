namespace EveStorage.Linux;

/// <summary>A device of device-mapper, as /sys has it.</summary>
/// <param name="Kernel">What the kernel calls it: <c>dm-3</c>.</param>
/// <param name="Name">Its name in /dev/mapper.</param>
/// <param name="Uuid">What made it, and of what: <c>CRYPT-LUKS2-…</c>, <c>LVM-…</c>; empty when nobody said.</param>
public sealed record MappedDevice(string Kernel, string Name, string Uuid)
{
    private const string Blocks = "/sys/block";

    /// <summary>Its size now.</summary>
    public ByteSize Size => DriveSysfs.SizeOf(Path.Combine(Blocks, Kernel));

    /// <summary>Finds the one called <paramref name="name"/>; null when it is not active.</summary>
    public static MappedDevice? Find(string name)
        => !Directory.Exists(Blocks)
            ? null
            : Directory.EnumerateDirectories(Blocks, "dm-*")
                .Where(path => DriveSysfs.Read(path, "dm/name") == name)
                .Select(path => new MappedDevice(Path.GetFileName(path), name, DriveSysfs.Read(path, "dm/uuid") ?? ""))
                .FirstOrDefault();

    /// <summary>The name of what the kernel calls <paramref name="kernel"/>; null when it is none of device-mapper's.</summary>
    public static string? NameOf(string kernel)
        => kernel.StartsWith("dm-", StringComparison.Ordinal) ? DriveSysfs.Read(Blocks, kernel, "dm/name") : null;
}
