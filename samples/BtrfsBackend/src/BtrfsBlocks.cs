using EveStorage;

namespace Samples.Btrfs;

/// <summary>A volume's blocks. All is done on the caller's thread, which waits for the device where it must.</summary>
internal sealed class BtrfsBlocks(OpenVolume volume, BlockAccess access, Action leave) : IBlockSource
{
    private Action? _leave = leave;

    public ByteSize Size => new(RandomAccess.GetLength(volume.Image));

    public bool TryRead(long offset, Span<byte> destination) => false;   // it can't be known here what would wait

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Check(offset, destination.Length);
        return Done(() =>
        {
            for (int read = 0; read < destination.Length;)
            {
                int more = RandomAccess.Read(volume.Image, destination.Span[read..], offset + read);
                read += more > 0 ? more : throw new StorageException(StorageErrorKind.Io, volume.Subject, $"ends at {offset + read}");
            }
        });
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckWrite(offset, source.Length);
        return Done(() => RandomAccess.Write(volume.Image, source.Span, offset), durability == WriteDurability.Stable);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
        => access == BlockAccess.Read ? ValueTask.CompletedTask : Done(static () => { }, flush: true);

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => WriteZeroesAsync(offset, length, cancellationToken);

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckWrite(offset, length);
        if (length > 0)
        {
            // A hole is what reads as zeros and takes nothing.
            Native.Check(Native.FAllocate(volume.Image, Native.PunchHole | Native.KeepSize, offset, length), volume.Subject, "fallocate");
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _leave, null)?.Invoke();
        return ValueTask.CompletedTask;
    }

    private ValueTask Done(Action act, bool flush = false)
    {
        Failure.Guard(volume.Subject, act);
        if (flush)
        {
            Flush();
        }

        return ValueTask.CompletedTask;
    }

    private void Flush()
    {
        ThrowIfFailed();
        try
        {
            Failure.Guard(volume.Subject, () => RandomAccess.FlushToDisk(volume.Image));
        }
        catch (StorageException e)
        {
            volume.Failed = e;
            throw;
        }
    }

    private void ThrowIfFailed()
    {
        if (volume.Failed is StorageException failed)
        {
            throw new StorageException(failed.Kind, volume.Subject, $"a flush failed before, and what was written since the one before may be lost ({failed.Message})", failed);
        }
    }

    private void CheckWrite(long offset, long length)
    {
        if (access == BlockAccess.Read)
        {
            throw new StorageException(StorageErrorKind.NotSupported, volume.Subject, "is open to read only");
        }

        ThrowIfFailed();
        Check(offset, length);
    }

    private void Check(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_leave is null, this);
        long size = Size.Bytes;
        if (offset < 0 || length < 0 || offset > size - length)
        {
            throw new StorageException(StorageErrorKind.NotSupported, volume.Subject, $"has {size} bytes, and not {length} at {offset}");
        }
    }
}
