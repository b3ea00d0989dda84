using System.Collections.Concurrent;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Composition;

/// <summary>The pools that are open. One is opened when it is first asked for, and stays open until the host ends or it is deleted.</summary>
internal sealed class OpenPools(StorageParts parts, PoolOpening opening, StalledPools stalled) : IAsyncDisposable
{
    // A gate for each: one whose drives don't answer keeps no other waiting.
    private readonly ConcurrentDictionary<PoolName, Slot> _slots = new();

    /// <summary>The open pool of that name.</summary>
    /// <param name="name">The pool.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="evenLocked">Whether it is opened although a person locked it, as by what goes on locking it.</param>
    /// <exception cref="StorageException">It is not declared, not made yet, not ours, or can't work on this machine.
    /// <see cref="StorageErrorKind.Busy"/>: an operation closed it and is not done with it.</exception>
    internal async Task<IStoragePool> OpenAsync(PoolName name, CancellationToken cancellationToken, bool evenLocked = false)
    {
        _ = parts.OptionsOf(name);   // one that is not declared gets no slot
        Slot slot = _slots.GetOrAdd(name, static _ => new());
        await slot.Gate.WaitAsync(cancellationToken);
        try
        {
            return slot.ClosedFor is Guid operation
                ? throw new StorageException(StorageErrorKind.Busy, $"{name}", $"is closed until operation {operation} has ended: see `evestorage operation show {operation}`")
                : slot.Pool ??= await OpenAnewAsync(name, evenLocked, cancellationToken);
        }
        finally
        {
            slot.Gate.Release();
        }
    }

    private Task<IStoragePool> OpenAnewAsync(PoolName name, bool evenLocked, CancellationToken cancellationToken)
    {
        stalled.Require(name);
        return opening.OpenAsync(name, evenLocked, cancellationToken);
    }

    /// <summary>Closes a pool. Nobody here opens it, nor what lies under it, until <paramref name="operation"/> has ended.</summary>
    internal Task CloseForAsync(PoolName name, Guid operation) => CloseAsync(_slots.GetOrAdd(name, static _ => new()), operation);

    /// <summary>Lets what an operation closed be opened again.</summary>
    internal void Release(Guid operation)
    {
        foreach (Slot slot in _slots.Values.Where(slot => slot.ClosedFor == operation))
        {
            slot.ClosedFor = null;
        }
    }

    private static async Task CloseAsync(Slot slot, Guid? operation)
    {
        await slot.Gate.WaitAsync();
        try
        {
            slot.ClosedFor = operation;
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
        foreach ((PoolName _, Slot slot) in _slots.Where(pool => !stalled.Contains(pool.Key)))
        {
            await CloseAsync(slot, operation: null);
        }
    }

    private sealed class Slot
    {
        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal IStoragePool? Pool { get; set; }

        internal Guid? ClosedFor { get; set; }
    }
}
