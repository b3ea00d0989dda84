using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>What can be done with a file system of any kind while it is mounted.</summary>
public static unsafe class MountedFileSystem
{
    /// <summary>
    /// Opens that of the device with the number <paramref name="device"/>, at any place where this process sees it. As long as it is
    /// open it is that one; a path may lead to another file system at any time, as to the one beneath when somebody unmounts it.
    /// </summary>
    /// <returns>Null where it is seen nowhere.</returns>
    public static DirectoryHandle? Find(string device)
        => MountTable.Read().Where(mount => mount.Device == device).Select(mount => TryOpen(mount.Point, device)).FirstOrDefault(static opened => opened is not null);

    /// <summary>Brings all of it to the disk and keeps who writes to it waiting, until it is thawed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is frozen. <see cref="StorageErrorKind.NotSupported"/>: its kind can't be.</exception>
    public static void Freeze(string point)
    {
        using DirectoryHandle directory = DirectoryHandle.Open(point);
        Freeze(directory, point);
    }

    /// <inheritdoc cref="Freeze(string)"/>
    public static void Freeze(DirectoryHandle directory, string subject)
    {
        if (Call(directory, OwnCalls.FIFREEZE, argument: null) < 0)
        {
            throw Errno.Failure(subject, "FIFREEZE");
        }
    }

    /// <summary>Lets them go on; false when it was not frozen.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static bool TryThaw(string point)
    {
        using DirectoryHandle directory = DirectoryHandle.Open(point);
        return TryThaw(directory, point);
    }

    /// <inheritdoc cref="TryThaw(string)"/>
    public static bool TryThaw(DirectoryHandle directory, string subject)
        => Call(directory, OwnCalls.FITHAW, argument: null) == 0 || (LibC.errno == LibC.EINVAL ? false : throw Errno.Failure(subject, "FITHAW"));

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
        using DirectoryHandle directory = DirectoryHandle.Open(point);
        return Call(directory, OwnCalls.FITRIM, &range) == 0 ? new((long)range.Length)
            : Errno.KindOf(LibC.errno) == StorageErrorKind.NotSupported ? null
            : throw Errno.Failure(point, "FITRIM");
    }

    private static DirectoryHandle? TryOpen(string point, string device)
    {
        DirectoryHandle opened;
        try
        {
            opened = DirectoryHandle.Open(point);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.NotFound or StorageErrorKind.Conflict)
        {
            return null;   // it is gone by now, or one file of it is what is mounted there
        }

        if (opened.Device == device)
        {
            return opened;
        }

        opened.Dispose();
        return null;
    }

    private static int Call(DirectoryHandle directory, uint request, void* argument)
    {
        ArgumentNullException.ThrowIfNull(directory);
        using Descriptor descriptor = new(directory.Handle);
        return LibC.ioctl(descriptor, unchecked((int)request), argument);
    }
}
