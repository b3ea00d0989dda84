using EveStorage.Conformance;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Checks;

/// <summary>How a promise of the contract was kept.</summary>
/// <param name="Promise">The promise.</param>
/// <param name="Kept">Whether it was kept; null where the pool does not claim what it is about.</param>
/// <param name="Reason">What was broken; null when nothing was.</param>
internal sealed record CheckReport(string Promise, bool? Kept, string? Reason);

/// <summary>Holds a pool to the contract by running its promises in it. The pool has to be empty, and is left so.</summary>
internal sealed class PoolCheck(OpenPools pools, PlanRunner plans)
{
    /// <summary>Runs every promise.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: the pool has volumes.</exception>
    internal async Task<IReadOnlyList<CheckReport>> RunAsync(PoolName name, CancellationToken cancellationToken)
    {
        IStoragePool pool = await pools.OpenAsync(name, cancellationToken);
        if (await pool.ListVolumesAsync(cancellationToken).AnyAsync(cancellationToken))
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", "has volumes: check an empty pool");
        }

        List<CheckReport> reports = [];
        foreach (ConformanceCase promise in PoolConformance.Cases)
        {
            reports.Add(promise.AppliesTo(pool.Capabilities) ? await KeepsAsync(pool, promise, cancellationToken) : new(promise.Name, null, null));
        }

        return reports;
    }

    private async Task<CheckReport> KeepsAsync(IStoragePool pool, ConformanceCase promise, CancellationToken cancellationToken)
    {
        try
        {
            await promise.CheckAsync(pool, RunAsync, cancellationToken);
            return new(promise.Name, true, null);
        }
        catch (Exception e) when (e is ConformanceException or StorageException)
        {
            return new(promise.Name, false, e.Message);
        }
        finally
        {
            await EmptyAsync(pool, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        List<StorageStep> changed = [];
        await plans.RunAsync(
            new()
            {
                Plan = plan,
                Request = request,
                TellReverting = static _ => { },
                Progress = new Progress<StepProgress>(),
                LockAsync = static (_, _) => Task.FromResult<Locks.HeldLock?>(null),
                Tell = (step, outcome) =>
                {
                    if (outcome == StepState.Changed)
                    {
                        changed.Add(step);
                    }
                },
            },
            cancellationToken);
        return changed;
    }

    // Everything in it is of these promises: the pool was empty.
    private async Task EmptyAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        foreach (VolumeInfo volume in await pool.ListVolumesAsync(cancellationToken).ToListAsync(cancellationToken))
        {
            if (pool is ISnapshotPool snapshots)
            {
                foreach (SnapshotInfo snapshot in await snapshots.ListSnapshotsAsync(volume.Name, cancellationToken).ToListAsync(cancellationToken))
                {
                    await RunAsync(await snapshots.PlanDeleteSnapshotAsync(snapshot.Name, cancellationToken), new() { Id = Guid.NewGuid() }, cancellationToken);
                }
            }

            await RunAsync(await pool.PlanDeleteAsync(volume.Name, cancellationToken), new() { Id = Guid.NewGuid() }, cancellationToken);
        }
    }
}
