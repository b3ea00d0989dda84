using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The kinds of file system that differ for us.</summary>
public enum FileSystemKind
{
    /// <summary>One that we know nothing of.</summary>
    Other,

    /// <summary>ext2, ext3 or ext4: they share one number.</summary>
    Ext4,

    /// <summary>xfs, with shared blocks when it was made with them.</summary>
    Xfs,

    /// <summary>btrfs: shared blocks and compression.</summary>
    Btrfs,

    /// <summary>tmpfs: memory, which a reboot empties.</summary>
    Tmpfs,

    /// <summary>A dataset of ZFS's. It makes inodes as they are needed, and counts as free those that its space would hold.</summary>
    Zfs,
}

/// <summary>The file system something lies on, as it is now.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Size">What it holds.</param>
/// <param name="Free">What can still be written without root's reserve.</param>
public readonly record struct FileSystem(FileSystemKind Kind, ByteSize Size, ByteSize Free)
{
    // OpenZFS, sys/fs/zfs.h: ZFS_SUPER_MAGIC. The kernel's own headers have none of it.
    private const long ZfsMagic = 0x2FC12FC1;

    /// <summary>What is taken, by root's reserve or by files.</summary>
    public ByteSize Used { get; private init; }

    /// <summary>How many files and directories it can have; 0 where it makes them as they are needed.</summary>
    public long Files { get; private init; }

    /// <summary>How many more.</summary>
    public long FreeFiles { get; private init; }

    /// <summary>Looks at the file system of <paramref name="directory"/>.</summary>
    /// <exception cref="StorageException">It is not there.</exception>
    public static FileSystem Of(string directory)
    {
        using DirectoryHandle handle = DirectoryHandle.Open(directory);
        return Of(handle, directory);
    }

    /// <summary>Looks at the file system of a directory that is open.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static unsafe FileSystem Of(DirectoryHandle directory, string subject)
    {
        ArgumentNullException.ThrowIfNull(directory);
        using Descriptor descriptor = new(directory.Handle);
        OwnCalls.FileSystemStatus status;
        if (OwnCalls.FStatFs(descriptor, &status) < 0)
        {
            throw Errno.Failure(subject, "fstatfs");
        }

        FileSystemKind kind = status.Type switch
        {
            OwnCalls.EXT4_SUPER_MAGIC => FileSystemKind.Ext4,
            OwnCalls.XFS_SUPER_MAGIC => FileSystemKind.Xfs,
            OwnCalls.BTRFS_SUPER_MAGIC => FileSystemKind.Btrfs,
            OwnCalls.TMPFS_MAGIC => FileSystemKind.Tmpfs,
            ZfsMagic => FileSystemKind.Zfs,
            _ => FileSystemKind.Other,
        };
        return new(kind, new((long)status.Blocks * status.BlockSize), new((long)status.AvailableBlocks * status.BlockSize))
        {
            Used = new((long)(status.Blocks - status.AvailableBlocks) * status.BlockSize),
            Files = kind == FileSystemKind.Zfs ? 0 : (long)status.Files,
            FreeFiles = kind == FileSystemKind.Zfs ? 0 : (long)status.FreeFiles,
        };
    }

    /// <summary>Has btrfs compress what is written to <paramref name="file"/> from now on: btrfs(5), "file attributes".</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it is not on btrfs.</exception>
    public static unsafe void Compress(BlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using Descriptor descriptor = new(file.Handle);
        ReadOnlySpan<byte> zstd = "zstd"u8;
        fixed (byte* value = zstd)
        {
            if (OwnCalls.FSetXattr(descriptor, "btrfs.compression", value, (nuint)zstd.Length, 0) < 0)
            {
                throw Errno.Failure(file.Path, "btrfs.compression");
            }
        }
    }

    /// <summary>Has btrfs write in place what is written to the empty <paramref name="file"/>, without checksums: chattr(1), "C". Elsewhere that is so.</summary>
    /// <exception cref="StorageException">It is not empty, or is one that is compressed.</exception>
    public static unsafe void WriteInPlace(BlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using Descriptor descriptor = new(file.Handle);
        OwnCalls.FileSystemStatus status;
        if (OwnCalls.FStatFs(descriptor, &status) < 0)
        {
            throw Errno.Failure(file.Path, "fstatfs");
        }

        uint flags = 0;
        if (status.Type == OwnCalls.BTRFS_SUPER_MAGIC && LibC.ioctl(descriptor, unchecked((int)OwnCalls.FS_IOC_GETFLAGS), &flags) == 0)
        {
            flags |= OwnCalls.FS_NOCOW_FL;
            if (LibC.ioctl(descriptor, unchecked((int)OwnCalls.FS_IOC_SETFLAGS), &flags) < 0)
            {
                throw Errno.Failure(file.Path, "FS_IOC_SETFLAGS");
            }
        }
    }

    /// <summary>Whether it is such a file: only another one of these can share blocks with it.</summary>
    public static unsafe bool IsWrittenInPlace(BlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using Descriptor descriptor = new(file.Handle);
        uint flags = 0;
        return LibC.ioctl(descriptor, unchecked((int)OwnCalls.FS_IOC_GETFLAGS), &flags) == 0 && (flags & OwnCalls.FS_NOCOW_FL) != 0;
    }
}
