using EveStorage.Linux;

namespace EveStorage.Host.Composition;

/// <summary>What people, profiles and pools call one and the same device.</summary>
internal static class DeviceNames
{
    /// <summary>The node behind a name, the same for every name of a device that is there; the name itself for one that is not.</summary>
    internal static string Resolve(string device)
        => Drive.Find(device)?.Path
            ?? (Path.IsPathRooted(device) && Path.Exists(device) ? Path.TrimEndingDirectorySeparator(File.ResolveLinkTarget(device, returnFinalTarget: true)?.FullName ?? device) : device);

    /// <summary>Whether two names are one device's.</summary>
    internal static bool AreSame(string one, string other) => one == other || Resolve(one) == Resolve(other);

    /// <summary>How a drive is called for life; null when it is not there and its name does not tell.</summary>
    internal static string? IdentityOf(string device)
        => Drive.Find(device)?.Identity ?? (device.Split(':', 2) is ["serial" or "wwn", string name] ? name : null);

    /// <summary>
    /// Whether a drive of that name is not there. Another place, such as a directory for a pool of files, is made with its pool, and is
    /// no drive.
    /// </summary>
    internal static bool IsAbsent(string device)
        => Drive.Find(device) is null && !Path.Exists(device)
            && (!Path.IsPathRooted(device) || (device.StartsWith("/dev/", StringComparison.Ordinal) && !device.StartsWith("/dev/shm/", StringComparison.Ordinal)));

    /// <summary>A name that stays with a device when its node changes; the one that was given where it has none.</summary>
    internal static string Lasting(string device)
    {
        if (Drive.Find(device) is not { Partition: null } drive || !Path.IsPathRooted(device) || device.StartsWith("/dev/disk/by-", StringComparison.Ordinal))
        {
            return device;
        }

        string[] names = [.. new[] { drive.WorldWideName is string name ? $"wwn:{name}" : null, drive.Serial is string serial ? $"serial:{serial}" : null }.OfType<string>()];
        return Array.Find(names, IsItsAlone) ?? device;

        bool IsItsAlone(string name)
        {
            try
            {
                return Drive.Find(name)?.Path == drive.Path;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Conflict)
            {
                return false;   // makers that give every drive the same number
            }
        }
    }
}
