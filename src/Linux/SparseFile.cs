using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Where a file has data, and where holes.</summary>
public static class SparseFile
{
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
