using EveStorage.Cli.Api;

namespace EveStorage.Host.Lazy;

/// <summary>What of a map survives a crash, and the one way in which more comes to: the volume's data first, then what says that it is its own.</summary>
internal sealed class FlushedMap(IBlockSource blocks, MapStore store, LazyMap map, MapState state) : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private MapState _state = state;
    private StorageException? _failed;
    private volatile bool _isClosed;

    /// <summary>Up to where the copy has come for good.</summary>
    internal long Copied => Volatile.Read(ref _state).Copied.Bytes;

    /// <summary>Whether the image turned out to be another one than was asked for.</summary>
    internal bool IsRefused => Volatile.Read(ref _state).IsRefused;

    /// <summary>Whether the map is not needed any more.</summary>
    internal bool IsClosed => _isClosed;

    /// <summary>Makes all that was written to the volume before survive a crash, and that it is the volume's own.</summary>
    /// <exception cref="StorageException">It failed, or did so before.</exception>
    internal async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_isClosed)
            {
                await blocks.FlushAsync(cancellationToken);
            }
            else
            {
                await FlushBothAsync();
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Makes it known that the volume is in use, or that its image is refused. Once this returns that survives a crash.</summary>
    internal async Task ChangeAsync(Func<MapState, MapState> change)
    {
        await _one.WaitAsync();
        try
        {
            await StoreAsync(change(_state), []);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Closes the map for good: all is the volume's own, and that survives a crash.</summary>
    internal async Task CloseAsync()
    {
        await _one.WaitAsync();
        try
        {
            _isClosed = true;
            await store.DisposeAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_isClosed)
        {
            await store.DisposeAsync();
        }

        _one.Dispose();
    }

    private async ValueTask FlushBothAsync()
    {
        if (_failed is not null)
        {
            throw new StorageException(_failed.Kind, _failed.Subject, ErrorReport.Of(_failed).Message, _failed);
        }

        (long copied, List<(int Page, byte[] Bytes)> pages) = map.TakeChanged();
        await OrFailForEverAsync(() => blocks.FlushAsync(CancellationToken.None));
        if (pages.Count > 0 || copied > _state.Copied.Bytes)
        {
            await StoreAsync(_state with { Copied = new(copied) }, pages);
        }
    }

    private async Task StoreAsync(MapState next, List<(int Page, byte[] Bytes)> pages)
    {
        next = next with { Number = _state.Number + 1 };
        try
        {
            await store.WriteAsync(next, pages, CancellationToken.None);
        }
        catch (StorageException)
        {
            // What could not be taken, since there was no room for it, is here as before: the next flush tries again.
            map.PutBack(pages.Select(static page => page.Page));
            throw;
        }

        await OrFailForEverAsync(() => store.FlushAsync(CancellationToken.None));
        Volatile.Write(ref _state, next);
    }

    // What was taken and could not be flushed is nowhere else: once that failed it fails for ever, as a volume's own flush does.
    private async ValueTask OrFailForEverAsync(Func<ValueTask> flush)
    {
        try
        {
            await flush();
        }
        catch (StorageException e)
        {
            _failed = e;
            throw;
        }
    }
}
