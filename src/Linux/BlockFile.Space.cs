using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The space of a file: holes, reserved blocks, clones.</summary>
public sealed partial class BlockFile
{
    private const int CopyPiece = 64 << 20;

    /// <summary>Sets its length. What is new reads as zeros and takes no space.</summary>
    /// <exception cref="StorageException">The file system has no such lengths.</exception>
    public void SetLength(long length)
    {
        using Descriptor descriptor = new(Handle);
        if (LibC.ftruncate(descriptor, length) < 0)
        {
            throw Errno.Failure(_subject, "ftruncate");
        }
    }

    /// <summary>Takes the space of these bytes, which keep what they hold; the file grows to hold them.</summary>
    /// <exception cref="StorageException">There is no room.</exception>
    public void Allocate(long offset, long length) => Reserve(0, offset, length, "fallocate");

    /// <summary>Gives these bytes' space back; they then read as zeros.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the file system has no holes.</exception>
    public void PunchHole(long offset, long length)
        => Reserve(LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, offset, length, "punch hole");

    /// <summary>Makes these bytes zeros that keep their space.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the file system can't.</exception>
    public void ZeroRange(long offset, long length)
        => Reserve(OwnCalls.FALLOC_FL_ZERO_RANGE | LibC.FALLOC_FL_KEEP_SIZE, offset, length, "zero range");

    /// <summary>The first byte from <paramref name="offset"/> that may be other than zero, or the file's length.</summary>
    public long NextData(long offset)
    {
        using Descriptor descriptor = new(Handle);
        long at = LibC.lseek(descriptor, offset, OwnCalls.SEEK_DATA);
        return at >= 0 ? at : LibC.errno == LibC.ENXIO ? Look().Length : throw Errno.Failure(_subject, "lseek");
    }

    /// <summary>The first byte from <paramref name="offset"/> that takes no space, or the file's length.</summary>
    public long NextHole(long offset)
    {
        using Descriptor descriptor = new(Handle);
        long at = LibC.lseek(descriptor, offset, OwnCalls.SEEK_HOLE);
        return at >= 0 ? at : LibC.errno == LibC.ENXIO ? Look().Length : throw Errno.Failure(_subject, "lseek");
    }

    /// <summary>Makes it what <paramref name="source"/> is now, sharing its blocks; false when the file system can't.</summary>
    /// <exception cref="StorageException">The device failed.</exception>
    public bool TryCloneFrom(BlockFile source)
    {
        using Descriptor from = new(source.Handle);
        using Descriptor to = new(Handle);
        int result = LibC.ioctl(to, unchecked((int)OwnCalls.FICLONE), (int)from);

        // Which it is for "can't" depends on the file system: ioctl_ficlone(2).
        return result == 0 || (LibC.errno == LibC.EOPNOTSUPP || LibC.errno == LibC.EXDEV || LibC.errno == LibC.EINVAL || LibC.errno == LibC.ENOTTY
            ? false
            : throw Errno.Failure(_subject, "FICLONE"));
    }

    /// <summary>Copies the data of <paramref name="source"/> into it and leaves the holes. It must be new. Cancelling leaves a part.</summary>
    /// <exception cref="StorageException">There is no room, or a device failed.</exception>
    public void CopySparse(BlockFile source, Action<long>? progress, CancellationToken cancellationToken)
    {
        long length = source.Look().Length;
        SetLength(length);
        for (long at = source.NextData(0); at < length; at = source.NextData(at))
        {
            for (long end = source.NextHole(at); at < end;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                at += CopyRange(source, at, Math.Min(end - at, CopyPiece));
                progress?.Invoke(at);
            }
        }
    }

    private unsafe long CopyRange(BlockFile source, long offset, long length)
    {
        using Descriptor from = new(source.Handle);
        using Descriptor to = new(Handle);
        long read = offset;
        long written = offset;
        nint copied = OwnCalls.CopyFileRange(from, &read, to, &written, (nuint)length, 0);
        return copied > 0
            ? copied
            : throw (copied == 0
                ? new StorageException(StorageErrorKind.Io, source._subject, $"became shorter than {offset + length} bytes")
                : Errno.Failure(_subject, "copy_file_range"));
    }

    private void Reserve(int mode, long offset, long length, string call)
    {
        using Descriptor descriptor = new(Handle);
        while (LibC.fallocate(descriptor, mode, offset, length) < 0)
        {
            if (LibC.errno != LibC.EINTR)
            {
                throw Errno.Failure(_subject, call);
            }
        }
    }
}
