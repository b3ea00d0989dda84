using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Where a file has data, and where holes; and blocks that two files share.</summary>
public static class SparseFile
{
    /// <summary>Whether two open files may share blocks: both regular, on one file system of a kind that can. Trying tells for sure.</summary>
    public static unsafe bool MayShare(SafeFileHandle one, SafeFileHandle other)
    {
        using Descriptor first = new(one);
        using Descriptor second = new(other);
        byte empty = 0;
        statx ours;
        statx theirs;
        OwnCalls.FileSystemStatus status;
        return LibC.statx(first, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &ours) == 0
            && LibC.statx(second, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &theirs) == 0
            && (ours.stx_mode & OwnCalls.S_IFMT) == OwnCalls.S_IFREG && (theirs.stx_mode & OwnCalls.S_IFMT) == OwnCalls.S_IFREG
            && ours.stx_dev_major == theirs.stx_dev_major && ours.stx_dev_minor == theirs.stx_dev_minor
            && OwnCalls.FStatFs(second, &status) == 0 && status.Type is OwnCalls.XFS_SUPER_MAGIC or OwnCalls.BTRFS_SUPER_MAGIC;
    }

    /// <summary>
    /// Gives <paramref name="target"/> bytes of <paramref name="source"/>, by sharing their blocks where they are whole ones, else by a
    /// copy within the kernel: copy_file_range(2).
    /// </summary>
    /// <returns>How many bytes: fewer at the source's end, or where the kernel can't go on with it.</returns>
    /// <exception cref="StorageException">There is no room, or a device failed.</exception>
    public static unsafe long Share(SafeFileHandle source, long offset, SafeFileHandle target, long targetOffset, long length)
    {
        using Descriptor from = new(source);
        using Descriptor to = new(target);
        long read = offset;
        long written = targetOffset;
        while (read < offset + length)
        {
            nint copied = OwnCalls.CopyFileRange(from, &read, to, &written, (nuint)(offset + length - read), 0);
            if (copied < 0 && (LibC.errno == LibC.ENOSPC || LibC.errno == LibC.EDQUOT || LibC.errno == LibC.EIO))
            {
                throw Errno.Failure("volume", "copy_file_range");
            }

            if (copied == 0 || (copied < 0 && LibC.errno != LibC.EINTR))
            {
                break;
            }
        }

        return read - offset;
    }

    /// <summary>Makes these bytes of a file or of a block device zeros, by the device where it can.</summary>
    /// <exception cref="StorageException">There is no room, or the device failed.</exception>
    public static void WriteZeroes(SafeFileHandle file, long offset, long length)
    {
        using Descriptor descriptor = new(file);
        while (LibC.fallocate(descriptor, OwnCalls.FALLOC_FL_ZERO_RANGE | LibC.FALLOC_FL_KEEP_SIZE, offset, length) < 0)
        {
            if (LibC.errno != LibC.EINTR)
            {
                throw Errno.Failure("volume", "zero range");
            }
        }
    }

    /// <summary>The first run of data at or after <paramref name="offset"/>; null when only holes follow. A block device is one run.</summary>
    /// <exception cref="StorageException">The file can't be asked.</exception>
    public static (long Start, long End)? FindData(SafeFileHandle file, long offset)
    {
        using Descriptor descriptor = new(file);
        long start = LibC.lseek(descriptor, offset, OwnCalls.SEEK_DATA);
        if (start < 0)
        {
            return LibC.errno == LibC.ENXIO ? null : throw Errno.Failure("image", "SEEK_DATA");
        }

        long end = LibC.lseek(descriptor, start, OwnCalls.SEEK_HOLE);
        return end < 0 ? throw Errno.Failure("image", "SEEK_HOLE") : (start, end);
    }
}
