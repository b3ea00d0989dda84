namespace EveStorage.Host.Composition;

/// <summary>The pools that are open. One is opened when it is first asked for, and stays open until the host ends or it is deleted.</summary>
internal sealed class OpenPools(StorageParts parts) : IAsyncDisposable
{
    private readonly Dictionary<PoolName, IStoragePool> _open = [];
    private readonly SemaphoreSlim _lock = new(1, 1);

    /// <summary>The open pool of that name.</summary>
    /// <exception cref="StorageException">It is not declared, not made yet, not ours, or can't work on this machine.</exception>
    internal async Task<IStoragePool> OpenAsync(PoolName name, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            if (!_open.TryGetValue(name, out IStoragePool? pool))
            {
                pool = await parts.BackendOf(name).OpenPoolAsync(name, cancellationToken);
                _open.Add(name, pool);
            }

            return pool;
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>Closes a pool, before it is deleted.</summary>
    internal async Task CloseAsync(PoolName name)
    {
        await _lock.WaitAsync();
        try
        {
            if (_open.Remove(name, out IStoragePool? pool))
            {
                await pool.DisposeAsync();
            }
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>The pool of that name if it has been made; null when it has not.</summary>
    internal async Task<IStoragePool?> TryOpenAsync(PoolName name, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(name, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (IStoragePool pool in _open.Values)
        {
            await pool.DisposeAsync();
        }

        _open.Clear();
        _lock.Dispose();
    }
}
