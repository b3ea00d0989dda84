using System.Collections.Concurrent;

namespace EveStorage.Linux;

/// <summary>
/// The syncs of an open file or device, where a failed one counts for good: the kernel then calls the lost pages clean, and
/// the next sync succeeds (fsync(2)).
/// </summary>
/// <remarks>
/// The kernel tells a write that was lost once to each opening, and to whichever call on it asks first. So no two calls
/// that may take that news share an opening: flushes are joined, one at a time, on the file itself, and each stable write
/// that runs has an opening of its own.
/// </remarks>
/// <param name="file">The file; it stays the caller's.</param>
/// <param name="subject">What it is, to a person.</param>
/// <param name="failed">Is told of the first failed sync, before anybody is told that a sync or a stable write succeeded later.</param>
/// <param name="sync">How it is synced; a test has one that fails.</param>
public sealed class SyncedFile(BlockFile file, string subject, Action<StorageException> failed, Action<BlockFile>? sync = null) : IDisposable
{
    private readonly ConcurrentBag<BlockFile> _idle = [];
    private readonly Lock _telling = new();
    private JoinedSync? _flushes;
    private StorageException? _failure;

    /// <summary>Whether a sync failed.</summary>
    public bool HasFailed => Volatile.Read(ref _failure) is not null;

    /// <summary>Makes all that was written before survive a crash. It may wait for the device here.</summary>
    public Task FlushAsync() => (_flushes ?? Interlocked.CompareExchange(ref _flushes, new(Sync), null) ?? _flushes).RunAsync();

    /// <summary>Writes <paramref name="source"/>, which is on the device when this returns.</summary>
    /// <exception cref="StorageException">There is no room, the device failed, or a sync failed before.</exception>
    public void WriteStable(long offset, ReadOnlySpan<byte> source)
    {
        ThrowIfFailed();
        BlockFile own = _idle.TryTake(out BlockFile? idle) ? idle : file.Reopen();
        try
        {
            own.Write(offset, source, stable: true);
        }
        catch (StorageException e)
        {
            if (!IsRefusedForSpace(e, offset, source))
            {
                Fail(e);
            }

            throw;
        }
        finally
        {
            _idle.Add(own);
        }
    }

    /// <summary>Refuses what comes after a failed sync.</summary>
    /// <exception cref="StorageException">A sync failed.</exception>
    public void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is StorageException failure)
        {
            throw new StorageException(failure.Kind, subject, "takes no writes since a sync failed", failure);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out BlockFile? own))
        {
            own.Dispose();
        }
    }

    // No room may be said of the write, which then has lost nothing, or of what the sync could not place. The same write
    // without a sync is refused only in the first case.
    private bool IsRefusedForSpace(StorageException failure, long offset, ReadOnlySpan<byte> source)
    {
        if (failure.Kind != StorageErrorKind.OutOfSpace)
        {
            return false;
        }

        try
        {
            file.Write(offset, source);
            return false;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
        {
            return true;
        }
    }

    private void Sync()
    {
        ThrowIfFailed();
        try
        {
            if (sync is null)
            {
                file.Flush();
            }
            else
            {
                sync(file);
            }
        }
        catch (StorageException e)
        {
            Fail(e);
            throw;
        }
    }

    private void Fail(StorageException failure)
    {
        lock (_telling)
        {
            if (_failure is null)
            {
                Volatile.Write(ref _failure, failure);
                failed(failure);
            }
        }
    }
}
