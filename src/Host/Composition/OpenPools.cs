using System.Collections.Concurrent;

namespace EveStorage.Host.Composition;

/// <summary>The pools that are open. One is opened when it is first asked for, and stays open until the host ends or it is deleted.</summary>
internal sealed class OpenPools(StorageParts parts, PoolOpening opening) : IAsyncDisposable
{
    // A gate for each: one whose drives don't answer keeps no other waiting.
    private readonly ConcurrentDictionary<PoolName, Slot> _slots = new();

    /// <summary>The open pool of that name.</summary>
    /// <exception cref="StorageException">It is not declared, not made yet, not ours, or can't work on this machine.</exception>
    internal async Task<IStoragePool> OpenAsync(PoolName name, CancellationToken cancellationToken)
    {
        _ = parts.OptionsOf(name);   // one that is not declared gets no slot
        Slot slot = _slots.GetOrAdd(name, static _ => new());
        await slot.Gate.WaitAsync(cancellationToken);
        try
        {
            return slot.Pool ??= await opening.OpenAsync(name, cancellationToken);
        }
        finally
        {
            slot.Gate.Release();
        }
    }

    /// <summary>Closes a pool, before it is deleted.</summary>
    internal async Task CloseAsync(PoolName name)
    {
        if (!_slots.TryGetValue(name, out Slot? slot))
        {
            return;
        }

        await slot.Gate.WaitAsync();
        try
        {
            if (slot.Pool is IStoragePool pool)
            {
                slot.Pool = null;
                await pool.DisposeAsync();
            }
        }
        finally
        {
            slot.Gate.Release();
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
        foreach (PoolName name in _slots.Keys)
        {
            await CloseAsync(name);
        }
    }

    private sealed class Slot
    {
        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal IStoragePool? Pool { get; set; }
    }
}
