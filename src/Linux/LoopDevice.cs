using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A block device that the kernel makes of a file. It is gone with its last user: this object while it is open, and what is
/// mounted from it. So nothing is left of one after a crash but what still works.
/// </summary>
public sealed unsafe class LoopDevice : IDisposable
{
    private const string Control = "/dev/loop-control";
    private const int Tries = 32;   // somebody else may take the number that we were told is free

    // Half of all drives have this unit; a file system with a smaller one could not be moved to them, and direct I/O refuses it there.
    private const uint Unit = 4096;

    private readonly SafeFileHandle _handle;

    private LoopDevice(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
    }

    /// <summary>Its node: <c>/dev/loop3</c>.</summary>
    public string Path { get; }

    /// <summary>Makes one of <paramref name="file"/>, by direct I/O where that file system has it. It holds the image's locks as one who writes.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody is changing the image.
    /// <see cref="StorageErrorKind.Unavailable"/>: the kernel has no loop devices, or the caller may not make one.</exception>
    public static LoopDevice Attach(string file, string subject)
    {
        using BlockFile image = BlockFile.Open(file, writable: true, subject);
        if (!image.TryLock(ImageLocks.User, exclusive: false) || !image.TryLock(ImageLocks.Writer, exclusive: false))
        {
            throw new StorageException(StorageErrorKind.Busy, subject, "is being changed: try again when that is done");
        }

        using SafeFileHandle control = OpenNode(Control)
            ?? throw new StorageException(StorageErrorKind.Unavailable, subject, "is a file, and the kernel has no loop devices: it needs CONFIG_BLK_DEV_LOOP");
        for (int tried = 0; tried < Tries; tried++)
        {
            if (TryAttach(control, image, subject) is LoopDevice made)
            {
                return made;
            }
        }

        throw new StorageException(StorageErrorKind.Busy, subject, "got no loop device: others take them all");
    }

    /// <summary>The one that is made of <paramref name="file"/> now, which stays as long as this object; a new one when there is none.</summary>
    /// <exception cref="StorageException">As of <see cref="Attach"/>.</exception>
    public static LoopDevice Hold(string file, string subject)
    {
        if (Find(file) is string node && OpenNode(node) is SafeFileHandle handle)
        {
            if (IsOf(node, file))
            {
                return new(node, handle);   // it can't become another's any more
            }

            handle.Dispose();
        }

        return Attach(file, subject);
    }

    /// <summary>Every one that is made of a file now: the device's number, and the file as the kernel names it.</summary>
    public static IReadOnlyList<(string Number, string File)> List()
        => !Directory.Exists("/sys/block") ? [] :
        [
            .. from path in Directory.EnumerateDirectories("/sys/block", "loop*")
               let number = DriveSysfs.Read(path, "dev")
               let file = DriveSysfs.Read(path, "loop/backing_file")
               where number is not null && file is not null
               select (number, file)
        ];

    /// <summary>Whether something is mounted of the one at <paramref name="node"/>, wherever, or the system uses it otherwise.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static bool IsClaimed(string node)
    {
        // open(2): O_EXCL without O_CREAT on a block device fails with EBUSY while the system uses it.
        fixed (byte* name = Encoding.UTF8.GetBytes($"{node}\0"))
        {
            using SafeFileHandle handle = new(LibC.open(name, LibC.O_RDONLY | LibC.O_EXCL | LibC.O_CLOEXEC, default), ownsHandle: true);
            return handle.IsInvalid && (LibC.errno == LibC.EBUSY ? true : throw Errno.Failure(node, "open"));
        }
    }

    /// <summary>The node of the one that is made of <paramref name="file"/> now; null when there is none.</summary>
    public static string? Find(string file)
    {
        if (!File.Exists(file) || !Directory.Exists("/sys/block"))
        {
            return null;
        }

        string real = new FileInfo(file).FullName;
        return Directory.EnumerateDirectories("/sys/block", "loop*")
            .Where(path => DriveSysfs.Read(path, "loop/backing_file") == real)
            .Select(path => $"/dev/{System.IO.Path.GetFileName(path)}")
            .FirstOrDefault(node => IsOf(node, file));
    }

    /// <summary>Has the one at <paramref name="node"/> take the size that its file has by now.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void TakeSize(string node, string subject)
    {
        using SafeFileHandle device = OpenNode(node) ?? throw new StorageException(StorageErrorKind.NotFound, subject, $"{node} is gone");
        using Descriptor descriptor = new(device);
        if (LibC.ioctl(descriptor, unchecked((int)OwnCalls.LOOP_SET_CAPACITY), 0) < 0)
        {
            throw Errno.Failure(subject, "LOOP_SET_CAPACITY");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static LoopDevice? TryAttach(SafeFileHandle control, BlockFile image, string subject)
    {
        using Descriptor free = new(control);
        int number = LibC.ioctl(free, unchecked((int)OwnCalls.LOOP_CTL_GET_FREE), 0);
        if (number < 0)
        {
            throw Errno.Failure(subject, "LOOP_CTL_GET_FREE");
        }

        string node = $"/dev/loop{number}";
        SafeFileHandle device = OpenNode(node) ?? throw new StorageException(StorageErrorKind.Unavailable, subject, $"{node} is not there: /dev has to be a devtmpfs");
        using Descriptor descriptor = new(device);
        using Descriptor file = new(image.Handle);
        OwnCalls.LoopConfiguration configuration = new()
        {
            Descriptor = (uint)(int)file,
            BlockSize = image.Look().Length % Unit == 0 ? Unit : 512,
            Status = new() { Flags = OwnCalls.LO_FLAGS_AUTOCLEAR | OwnCalls.LO_FLAGS_DIRECT_IO },
        };
        if (LibC.ioctl(descriptor, unchecked((int)OwnCalls.LOOP_CONFIGURE), &configuration) == 0)
        {
            return new(node, device);
        }

        StorageException failure = Errno.Failure(subject, "LOOP_CONFIGURE");
        device.Dispose();
        return failure.Kind == StorageErrorKind.Busy ? null : throw failure;
    }

    // A name may be another file's by now, or be seen from another root.
    private static bool IsOf(string node, string file)
    {
        using SafeFileHandle? device = OpenNode(node);
        if (device is null)
        {
            return false;
        }

        using Descriptor descriptor = new(device);
        OwnCalls.LoopStatus status;
        statx facts;
        fixed (byte* name = Encoding.UTF8.GetBytes($"{file}\0"))
        {
            // The kernel writes a device's number so that those of old programs stay: include/linux/kdev_t.h, new_encode_dev.
            return LibC.ioctl(descriptor, unchecked((int)OwnCalls.LOOP_GET_STATUS64), &status) == 0
                && LibC.statx(LibC.AT_FDCWD, name, 0, LibC.STATX_BASIC_STATS, &facts) == 0
                && status.Inode == facts.stx_ino
                && status.Device == ((facts.stx_dev_minor & 0xFF) | (facts.stx_dev_major << 8) | ((facts.stx_dev_minor & ~0xFFU) << 12));
        }
    }

    private static SafeFileHandle? OpenNode(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            SafeFileHandle handle = new(LibC.open(name, LibC.O_RDWR | LibC.O_CLOEXEC, default), ownsHandle: true);
            return !handle.IsInvalid ? handle
                : LibC.errno == LibC.ENOENT || LibC.errno == LibC.ENXIO || LibC.errno == LibC.ENODEV ? null
                : throw Errno.Failure(path, "open");
        }
    }
}
