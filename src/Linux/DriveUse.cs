using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Who uses a drive now.</summary>
public static class DriveUse
{
    private const string Claimed = "somebody has claimed it";

    /// <summary>Why <paramref name="drive"/> is not free, for a person: its partitions, and who uses it; empty when nothing does. It is opened only to ask whether somebody claims it.</summary>
    public static IReadOnlyList<string> Of(Drive drive)
    {
        ArgumentNullException.ThrowIfNull(drive);
        string[] partitions = [.. PartitionsOf(drive).Select(partition => $"it has the partition {partition}")];
        string[] users = [.. UsersOf(drive)];
        return users.Length == 0 && partitions.Length == 0 && IsClaimed(drive.Path) ? [Claimed] : [.. partitions, .. users];
    }

    /// <summary>Who uses the device at <paramref name="path"/> or a partition of it, for a person: the kernel, not who merely has it open. That it has partitions is no use of it.</summary>
    public static IReadOnlyList<string> UsersOf(string path)
        => Drive.Find(path) is not Drive drive ? []
            : UsersOf(drive).ToArray() is { Length: > 0 } users ? users
            : IsClaimed(path) ? [Claimed]   // without udev a mapped device has no other node
            : [];

    private static IEnumerable<string> UsersOf(Drive drive)
    {
        string[] mounts = File.ReadAllLines("/proc/self/mountinfo");
        string[] swaps = File.ReadAllLines("/proc/swaps");
        foreach (string device in PartitionsOf(drive).Prepend(drive.Name))
        {
            string[] users =
            [
                .. DriveSysfs.HoldersOf(device).Select(holder => $"{device} is held by {MappedDevice.NameOf(holder) ?? holder}"),
                .. MountsOf(device, mounts),
                .. swaps.Where(line => line.StartsWith($"/dev/{device} ", StringComparison.Ordinal)).Select(_ => $"{device} is swapped to"),
            ];
            foreach (string user in users)
            {
                yield return user;
            }
        }
    }

    private static IEnumerable<string> PartitionsOf(Drive drive) => drive.Partition is null ? DriveSysfs.PartitionsOf(drive.Name) : [];

    // man 5 proc: the third field of mountinfo is the device's number, the fifth the mount point.
    private static IEnumerable<string> MountsOf(string device, string[] mounts)
        => DriveSysfs.Read("/sys/class/block", device, "dev") is string number
            ? mounts.Select(line => line.Split(' ')).Where(fields => fields.Length > 4 && fields[2] == number).Select(fields => $"{device} is mounted at {fields[4]}")
            : [];

    // open(2): O_EXCL without O_CREAT on a block device fails with EBUSY while the system uses it.
    private static unsafe bool IsClaimed(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            using SafeFileHandle handle = new(LibC.open(name, LibC.O_RDONLY | LibC.O_EXCL | LibC.O_CLOEXEC, 0), ownsHandle: true);
            return handle.IsInvalid && (LibC.errno == LibC.EBUSY ? true : throw Errno.Failure(path, "open"));
        }
    }
}
