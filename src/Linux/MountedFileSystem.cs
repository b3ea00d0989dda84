using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>What can be done with a file system of any kind while it is mounted.</summary>
public static unsafe class MountedFileSystem
{
    /// <summary>Brings all of it to the disk and keeps who writes to it waiting, until <see cref="TryThaw"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is frozen. <see cref="StorageErrorKind.NotSupported"/>: its kind can't be.</exception>
    public static void Freeze(string point)
    {
        if (Call(point, OwnCalls.FIFREEZE, argument: null) < 0)
        {
            throw Errno.Failure(point, "FIFREEZE");
        }
    }

    /// <summary>Lets them go on; false when it was not frozen.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static bool TryThaw(string point)
        => Call(point, OwnCalls.FITHAW, argument: null) == 0 || (LibC.errno == LibC.EINVAL ? false : throw Errno.Failure(point, "FITHAW"));

    /// <summary>Makes all that was written to the file system of <paramref name="directory"/> survive a crash.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static void Sync(string directory)
    {
        using DirectoryHandle handle = DirectoryHandle.Open(directory);
        using Descriptor descriptor = new(handle.Handle);
        if (LibC.syncfs(descriptor) < 0)
        {
            throw Errno.Failure(directory, "syncfs");
        }
    }

    /// <summary>Gives what is free in it back to the device.</summary>
    /// <returns>How much; null when the device takes nothing back.</returns>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static ByteSize? Trim(string point)
    {
        OwnCalls.TrimRange range = new() { Length = ulong.MaxValue };
        return Call(point, OwnCalls.FITRIM, &range) == 0 ? new((long)range.Length)
            : Errno.KindOf(LibC.errno) == StorageErrorKind.NotSupported ? null
            : throw Errno.Failure(point, "FITRIM");
    }

    private static int Call(string point, uint request, void* argument)
    {
        using DirectoryHandle directory = DirectoryHandle.Open(point);
        using Descriptor descriptor = new(directory.Handle);
        return LibC.ioctl(descriptor, unchecked((int)request), argument);
    }
}
