using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Device-mapper's devices as /sys has them, and the few things that LVM does not do with them.</summary>
internal sealed class DeviceMapper(Command dmsetup)
{
    /// <summary>DM_NAME_LEN of linux/dm-ioctl.h, less the final zero.</summary>
    internal const int MaxName = 127;

    private const string Blocks = "/sys/block";

    /// <summary>A part of a device-mapper name: hyphens are doubled, since a single one joins the parts.</summary>
    internal static string Escape(string part) => part.Replace("-", "--", StringComparison.Ordinal);

    /// <summary>The name of a logical volume's device.</summary>
    internal static string NameOf(string group, string logicalVolume) => $"{Escape(group)}-{Escape(logicalVolume)}";

    /// <summary>The path of the device called <paramref name="name"/>, with udev and without.</summary>
    internal static string PathOf(string name) => $"/dev/mapper/{name}";

    /// <summary>The kernel's name of a device, <c>dm-3</c>; null when it is not active.</summary>
    internal static string? Find(string name) => MappedDevice.Find(name)?.Kernel;

    /// <summary>The name of a device that the kernel calls <paramref name="kernel"/>; null when it is none of device-mapper's.</summary>
    internal static string? NameIn(string kernel) => MappedDevice.NameOf(kernel);

    /// <summary>The kernel's name of the one device that a device of device-mapper's lies on, <c>sda</c>; null when it lies on none or several.</summary>
    internal static string? BelowIn(string kernel)
        => kernel.StartsWith("dm-", StringComparison.Ordinal) && Directory.Exists($"{Blocks}/{kernel}/slaves")
            && Directory.EnumerateFileSystemEntries($"{Blocks}/{kernel}/slaves").ToList() is [string below]
                ? Path.GetFileName(below)
                : null;

    /// <summary>Those of <paramref name="names"/> that are suspended: whoever uses them waits.</summary>
    internal static IReadOnlyList<string> Suspended(IReadOnlySet<string> names)
        => [.. Directory.EnumerateDirectories(Blocks, "dm-*")
            .Where(path => Read(path, "dm/suspended") == "1")
            .Select(path => Read(path, "dm/name"))
            .OfType<string>()
            .Where(names.Contains)];

    /// <summary>
    /// Makes sure that a device's node is there and is that device, and gives the path to open: not of a link. Without udev
    /// nobody else does. A regular file in its place, which a careless writer leaves, is never opened as one.
    /// </summary>
    /// <exception cref="StorageException">It is not active, or its node is something else.</exception>
    internal async Task<string> RequireNodeAsync(string name, string subject, CancellationToken cancellationToken)
    {
        string kernel = Find(name) ?? throw new StorageException(StorageErrorKind.Unavailable, subject, "is not active: open its pool again");
        string number = Read($"{Blocks}/{kernel}", "dev") ?? "";
        string path = PathOf(name);
        if (!DriveNode.Is(path, number))
        {
            await dmsetup.RunAsync(["mknodes", name], cancellationToken);
        }

        return DriveNode.Is(path, number)
            ? DriveNode.Resolve(path)
            : throw new StorageException(StorageErrorKind.Conflict, subject, $"{path} is not its block device: remove what is there, then run 'dmsetup mknodes'");
    }

    /// <summary>Holds what is written to a device until <see cref="ResumeAsync"/>, with what was written before on the pool.</summary>
    internal Task SuspendAsync(string name, CancellationToken cancellationToken)
        => dmsetup.RunAsync(["suspend", "--noudevsync", name], cancellationToken);

    /// <summary>Lets it go on.</summary>
    internal Task ResumeAsync(string name, CancellationToken cancellationToken)
        => dmsetup.RunAsync(["resume", "--noudevsync", name], cancellationToken);

    /// <summary>Sends a thin pool a message: Documentation/admin-guide/device-mapper/thin-provisioning.rst.</summary>
    internal Task SendAsync(string pool, string message, CancellationToken cancellationToken)
        => dmsetup.RunAsync(["message", pool, "0", message], cancellationToken);

    /// <summary>
    /// The number of a thin pool's last transaction, as the kernel has it; null when it is not active or has failed. The status is
    /// <c>0 131072 thin-pool 7 112/1024 …</c> (the same document).
    /// </summary>
    internal async Task<long?> FindTransactionAsync(string pool, CancellationToken cancellationToken)
        => Find(pool) is not null && (await dmsetup.RunAsync(["status", pool], cancellationToken)).Split(' ') is [_, _, "thin-pool", string number, ..]
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long transaction)
                ? transaction
                : null;

    private static string? Read(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // it went while we looked
        }
    }
}
