using System.Collections.Concurrent;

namespace EveStorage.Host.Operations;

/// <summary>
/// The pools of which a plugin has a step in hand that never came back. They take no more changes while this process lives: the step may go on at any
/// time, beside whatever else was begun. What is there is still read and served, and so is every other pool.
/// </summary>
internal sealed class StalledPools(IEventSink events)
{
    private readonly ConcurrentDictionary<PoolName, string> _pools = new();

    // What is not referred to any more is closed by the collector, and a lock with it.
    private readonly ConcurrentBag<object> _kept = [];

    /// <summary>Each of them, and what to say of it.</summary>
    internal IReadOnlyDictionary<PoolName, string> All => _pools;

    /// <summary>Takes no more changes of a pool, and tells so.</summary>
    internal void Add(PoolName pool, StalledStepException step)
    {
        string message = $"takes no more changes until the host is started again, which finishes or undoes what it began: {step.Message}";
        if (_pools.TryAdd(pool, message))
        {
            events.Report(new("pool.stalled", EventSeverity.Critical, $"{pool}", message));
        }
    }

    /// <summary>Keeps what such a step may still use, and the locks that keep others from it.</summary>
    internal void Keep(params IEnumerable<object> held)
    {
        foreach (object one in held)
        {
            _kept.Add(one);
        }
    }

    /// <summary>Whether one is.</summary>
    internal bool Contains(PoolName? pool) => pool is PoolName name && _pools.ContainsKey(name);

    /// <summary>Stops an operation that is under way on one where it stands.</summary>
    /// <exception cref="StalledStepException">It is one.</exception>
    internal void RequireToGoOn(PoolName? pool)
    {
        if (pool is PoolName name && _pools.TryGetValue(name, out string? message))
        {
            throw new StalledStepException($"{name}", message);
        }
    }

    /// <summary>Refuses what would change one.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NeedsAttention"/>: it is.</exception>
    internal void Require(PoolName? pool)
    {
        if (pool is PoolName name && _pools.TryGetValue(name, out string? message))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{name}", message);
        }
    }
}
