using System.Runtime.CompilerServices;
using EveStorage.Conformance;
using EveStorage.Host.Composition;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Checks;

/// <summary>
/// Holds a pool of the profile to the contract by running its promises in it. The pool has to be empty, and is left so: its lock is
/// held all the time, and only what the promises made is removed.
/// </summary>
internal sealed class PoolCheck(OpenPools pools, StorageLocks locks, PlanRunner plans)
{
    /// <summary>Runs every promise, each of which may take <paramref name="limit"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: the pool has volumes.</exception>
    internal async IAsyncEnumerable<PromiseReport> RunAsync(PoolName name, TimeSpan limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IStoragePool pool = await pools.OpenAsync(name, cancellationToken);
        using HeldLock held = await locks.TakePoolAsync(await locks.KeyOfAsync(name, cancellationToken), $"{name}", "checks the pool", cancellationToken);
        if (await pool.ListVolumesAsync(cancellationToken).AnyAsync(cancellationToken))
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", "has volumes: check an empty pool");
        }

        await foreach (PromiseReport report in ConformanceKit.CheckAsync(pool, new KitPlans(plans).RunAsync, limit, cancellationToken))
        {
            yield return report;
        }
    }
}
