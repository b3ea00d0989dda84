using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Openings of block devices, and second openings.</summary>
public sealed partial class BlockFile
{
    /// <summary>Opens the block device at <paramref name="path"/>, or that a link there leads to.</summary>
    /// <exception cref="StorageException">It is not there, is no block device (<see cref="StorageErrorKind.Conflict"/>), or may not be opened.</exception>
    internal static unsafe BlockFile OpenDevice(string path, bool writable, string subject)
    {
        BlockFile device = Open(path, subject, writable ? LibC.O_RDWR : LibC.O_RDONLY);
        using Descriptor descriptor = new(device.Handle);
        byte empty = 0;
        statx facts;
        bool looked = LibC.statx(descriptor, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &facts) == 0;
        if (looked && (facts.stx_mode & OwnCalls.S_IFMT) == OwnCalls.S_IFBLK)
        {
            return device;
        }

        StorageException refused = looked ? new(StorageErrorKind.Conflict, subject, $"{path} is no block device") : Errno.Failure(subject, "statx");
        device.Dispose();
        throw refused;
    }

    /// <summary>Another opening of the very same file, whatever its name is by now: proc(5), /proc/pid/fd. It shares no locks and no pending errors with this one.</summary>
    /// <exception cref="StorageException">It can't be opened.</exception>
    internal BlockFile Reopen(int? flags = null)
    {
        using Descriptor descriptor = new(Handle);
        return Open($"/proc/self/fd/{(int)descriptor}", _subject, flags ?? LibC.O_RDWR);
    }

    /// <summary>Gives up these bytes of a device; false when it can't, or has larger blocks.</summary>
    /// <exception cref="StorageException">The device failed.</exception>
    internal bool TryDiscard(long offset, long length)
    {
        // Both drop these bytes from the cache, so that nothing of it comes back. First the way that reads as zeros for sure.
        try
        {
            PunchHole(offset, length);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return TryDropBlocks(offset, length);
        }
    }

    private unsafe bool TryDropBlocks(long offset, long length)
    {
        using Descriptor descriptor = new(Handle);
        ulong* range = stackalloc ulong[] { (ulong)offset, (ulong)length };
        return LibC.ioctl(descriptor, unchecked((int)OwnCalls.BLKDISCARD), range) == 0
            || (Errno.KindOf(LibC.errno) == StorageErrorKind.NotSupported ? false : throw Errno.Failure(_subject, "BLKDISCARD"));
    }
}
