using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// A volume's blocks. All is done on the caller's thread, which waits for the device where it must. Nothing is allocated
/// for a read or a write.
/// </summary>
internal sealed class FileBlockSource(OpenImage image, BlockAccess access, Action leave) : ISparseBlockSource
{
    private static readonly byte[] s_zeroes = new byte[1 << 20];

    private Action? _leave = leave;

    public ByteSize Size
    {
        get
        {
            image.LookAgain();
            return new(image.Length);
        }
    }

    public bool WritesWait => image.Direct is not null;

    public bool TryRead(long offset, Span<byte> destination)
    {
        Check(offset, destination.Length);
        return image.Direct is null && image.File.TryReadCached(offset, destination);
    }

    /// <summary>Reads on the caller's thread: a transport that must not wait asks <see cref="TryRead"/> first.</summary>
    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Check(offset, destination.Length);
        if (DirectFor(offset, destination.Length) is DirectFile direct)
        {
            direct.Read(offset, destination.Span);
        }
        else
        {
            image.File.Read(offset, destination.Span);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckWrite(offset, source.Length);
        bool flushes = durability == WriteDurability.Stable && DirectFor(offset, source.Length) is not null;
        Write(offset, source.Span, durability == WriteDurability.Stable && !flushes);
        return flushes ? FlushAsync(cancellationToken) : ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        // A reader wrote nothing, and its flush is no news.
        return access == BlockAccess.Read ? ValueTask.CompletedTask : new(image.FlushAsync().WaitAsync(cancellationToken));
    }

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);
        try
        {
            Free(offset, length, keepSpace: image.Layout.Preallocated);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.NotSupported or StorageErrorKind.OutOfSpace)
        {
            // It is a hint: what was there stays.
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);
        try
        {
            Free(offset, length, keepSpace: image.Layout.Preallocated);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.NotSupported or StorageErrorKind.OutOfSpace)
        {
            // btrfs wants room for all of it at once, although it has that already.
            for (long end = offset + length; offset < end;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int piece = (int)Math.Min(end - offset, s_zeroes.Length);
                Write(offset, s_zeroes.AsSpan(0, piece), stable: false);
                offset += piece;
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Check(offset, 0);
        return new(SparseFile.FindData(image.File.Handle, offset) is (long start, long end) ? new SourceRun(start, end - start) : null);
    }

    public ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _leave, null)?.Invoke();
        return ValueTask.CompletedTask;
    }

    // What is no whole pages goes through the cache; the kernel keeps both ways in step.
    private DirectFile? DirectFor(long offset, int length) => image.Direct is DirectFile direct && DirectFile.Takes(offset, length) ? direct : null;

    private void Write(long offset, ReadOnlySpan<byte> source, bool stable)
    {
        // A preallocated image has its space, though what was never written looks like a hole: lseek(2), SEEK_HOLE.
        long taken = image.Layout.Preallocated ? 0 : image.Space.Begin(image.File, offset, source.Length, image.Subject);
        image.Writing.Enter();
        try
        {
            for (bool last = false; !TryWrite(offset, source, stable, ref last);)
            {
                // Its room was given up for it, a slice at a time.
            }
        }
        finally
        {
            image.Writing.Exit();
            image.Space.End(taken);
        }
    }

    private bool TryWrite(long offset, ReadOnlySpan<byte> source, bool stable, ref bool last)
    {
        try
        {
            if (stable)
            {
                image.WriteStable(offset, source);
            }
            else if (DirectFor(offset, source.Length) is DirectFile direct)
            {
                direct.Write(offset, source);
            }
            else
            {
                image.File.Write(offset, source);
            }

            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace && FindsRoom(source.Length, ref last))
        {
            return false;
        }
    }

    // Another writer may have given up the last of it since this one met a full file system: then there is some now, though none is left to give.
    private bool FindsRoom(long length, ref bool last)
    {
        if (image.TryGiveRoom(length))
        {
            return true;
        }

        bool again = image.Layout.KeepsRoom && !last;
        last = true;
        return again;
    }

    private void Free(long offset, long length, bool keepSpace)
    {
        if (length == 0)
        {
            return;
        }

        image.Writing.Enter();
        try
        {
            if (keepSpace)
            {
                image.File.ZeroRange(offset, length);
            }
            else
            {
                image.File.PunchHole(offset, length);
            }
        }
        finally
        {
            image.Writing.Exit();
        }

        image.Space.Forget();
    }

    private void CheckWrite(long offset, long length)
    {
        if (access == BlockAccess.Read)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image.Subject, "is open to read only");
        }

        image.ThrowIfFailed();
        Check(offset, length);
    }

    private void Check(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_leave is null, this);
        if (!Fits(offset, length))
        {
            image.LookAgain();   // it may have grown
            if (!Fits(offset, length))
            {
                throw new StorageException(StorageErrorKind.NotSupported, image.Subject, $"has {image.Length} bytes, and not {length} at {offset}");
            }
        }
    }

    // Neither sum nor difference overflows: both are checked to be positive first.
    private bool Fits(long offset, long length) => offset >= 0 && length >= 0 && offset <= image.Length - length;
}
