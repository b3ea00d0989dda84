using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Where a file has data, and where holes.</summary>
public static class SparseFile
{
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
