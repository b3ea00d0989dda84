using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>An open device of dm-crypt. Its UUID is <c>CRYPT-LUKS2-</c>, the header's id without hyphens, and the name.</summary>
internal sealed record Mapping(MappedDevice Device)
{
    /// <summary>Its size.</summary>
    internal ByteSize Size => Device.Size;

    /// <summary>Finds the one called <paramref name="name"/>; null when nothing of the device mapper is called so.</summary>
    internal static Mapping? Find(string name) => MappedDevice.Find(name) is MappedDevice found ? new(found) : null;

    /// <summary>Whether it was opened from <paramref name="header"/>.</summary>
    internal bool IsOf(LuksHeader header) => Device.Uuid == $"CRYPT-LUKS2-{header.Uuid.Replace("-", "", StringComparison.Ordinal)}-{Device.Name}";

    /// <summary>Whether it was opened from some LUKS2 header, which may be out of reach by now.</summary>
    internal bool IsOfLuks => Device.Uuid.StartsWith("CRYPT-LUKS2-", StringComparison.Ordinal) && Device.Uuid.EndsWith($"-{Device.Name}", StringComparison.Ordinal);

    /// <summary>Who uses it, as far as the kernel tells, for a person.</summary>
    internal IReadOnlyList<string> Users()
        => [.. DriveUse.UsersOf($"/dev/mapper/{Device.Name}"), .. DevicePrograms.Of($"/dev/{Device.Kernel}", $"/dev/mapper/{Device.Name}")];
}
