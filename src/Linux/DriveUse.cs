using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Who uses a drive now.</summary>
public static class DriveUse
{
    /// <summary>Everything that uses <paramref name="drive"/>, for a person; empty when nothing does. It is opened only to ask whether somebody claims it.</summary>
    public static IReadOnlyList<string> Of(Drive drive)
    {
        ArgumentNullException.ThrowIfNull(drive);
        string[] partitions = drive.Partition is null ? [.. DriveSysfs.PartitionsOf(drive.Name)] : [];
        string[] mounts = File.ReadAllLines("/proc/self/mountinfo");
        string[] swaps = File.ReadAllLines("/proc/swaps");
        List<string> uses = [.. partitions.Select(partition => $"it has the partition {partition}")];
        foreach (string device in partitions.Prepend(drive.Name))
        {
            uses.AddRange(DriveSysfs.HoldersOf(device).Select(holder => $"{device} is held by {holder}"));
            uses.AddRange(MountsOf(device, mounts));
            uses.AddRange(swaps.Where(line => line.StartsWith($"/dev/{device} ", StringComparison.Ordinal)).Select(_ => $"{device} is swapped to"));
        }

        if (uses.Count == 0 && IsClaimed(drive.Path))
        {
            uses.Add("somebody has claimed it");
        }

        return uses;
    }

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
