using EveStorage.Conformance;
using EveStorage.Host.Composition;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Checks;

/// <summary>How a promise of the contract was kept.</summary>
/// <param name="Promise">The promise.</param>
/// <param name="Kept">Whether it was kept; null where the pool does not claim what it is about.</param>
/// <param name="Reason">What was broken; null when nothing was.</param>
internal sealed record CheckReport(string Promise, bool? Kept, string? Reason);

/// <summary>
/// Holds a pool to the contract by running its promises in it. The pool has to be empty, and is left so: its lock is held
/// all the time, and only what the promises made is removed. Nothing that its plugin does ends the check.
/// </summary>
internal sealed class PoolCheck(OpenPools pools, StorageLocks locks, PlanRunner plans)
{
    private static readonly TimeSpan s_emptyLimit = TimeSpan.FromMinutes(2);

    /// <summary>Runs every promise.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: the pool has volumes.</exception>
    internal async Task<IReadOnlyList<CheckReport>> RunAsync(PoolName name, CancellationToken cancellationToken)
    {
        IStoragePool pool = await pools.OpenAsync(name, cancellationToken);
        using HeldLock held = await locks.TakePoolAsync(await locks.KeyOfAsync(name, cancellationToken), $"{name}", "checks the pool", cancellationToken);
        if (await pool.ListVolumesAsync(cancellationToken).AnyAsync(cancellationToken))
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", "has volumes: check an empty pool");
        }

        List<CheckReport> reports = [];
        foreach (ConformanceCase promise in PoolConformance.Cases)
        {
            reports.Add(promise.AppliesTo(pool.Capabilities) ? await KeepsAsync(pool, promise, cancellationToken) : new(promise.Name, null, null));
            cancellationToken.ThrowIfCancellationRequested();
        }

        return reports;
    }

    private async Task<CheckReport> KeepsAsync(IStoragePool pool, ConformanceCase promise, CancellationToken cancellationToken)
    {
        string? broken = await TellAsync(() => promise.CheckAsync(pool, RunAsync, cancellationToken));

        // Not the caller's token: what was made has to go, above all when a person has had enough.
        using CancellationTokenSource limit = new(s_emptyLimit);
        string? left = await TellAsync(() => EmptyAsync(pool, limit.Token));
        string? reason = left is null ? broken : $"{(broken is null ? "" : $"{broken}; ")}what was made could not be removed: {left}";
        return new(promise.Name, reason is null, reason);
    }

    private static async Task<string?> TellAsync(Func<Task> check)
    {
        try
        {
            await check();
            return null;
        }
        catch (Exception e)
        {
            return e is ConformanceException or StorageException ? e.Message : $"{e.Message} ({e.GetType().Name}, which is none that may cross a plugin's border)";
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
                LockAsync = static (_, _) => Task.FromResult<HeldLock?>(null),   // held already
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

    // The pool was empty; even so, what has another's mark is not ours to remove.
    private async Task EmptyAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        foreach (VolumeInfo volume in await pool.ListVolumesAsync(cancellationToken).ToListAsync(cancellationToken))
        {
            if (await pool.Records.FindAsync(volume.Name, cancellationToken) is not VolumeRecord record || !PoolConformance.IsOfCase(record.Mark.Operation))
            {
                throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{volume.Name}", "is there and was not made by a promise");
            }

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
