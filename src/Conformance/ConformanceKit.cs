using System.Runtime.CompilerServices;

namespace EveStorage.Conformance;

/// <summary>
/// Holds a part of a plugin to all that it promises, one report a promise as soon as it is known. A test of its author and the
/// command line run the same. Nothing but what the promises made is removed.
/// </summary>
public static class ConformanceKit
{
    /// <summary>How long removing what a promise made may take.</summary>
    public static TimeSpan SweepLimit { get; } = TimeSpan.FromMinutes(2);

    /// <summary>Holds a backend to the contract: the promises about pools, and in a pool of it those about volumes.</summary>
    /// <param name="bench">The backend, and the place for its pool, where there is none.</param>
    /// <param name="limit">How long a promise may take before it is broken.</param>
    /// <param name="cancellationToken">Stops it; what the promise that runs made is removed.</param>
    /// <exception cref="StorageException">It can't be checked: <see cref="StorageErrorKind.Unavailable"/> here, or
    /// <see cref="StorageErrorKind.Conflict"/>, since its place has a pool.</exception>
    public static async IAsyncEnumerable<PromiseReport> CheckAsync(BackendBench bench, TimeSpan limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bench);
        VolumeTraits traits = await RequireFreeAsync(bench, cancellationToken);
        bool hangs = false;
        foreach (BackendCase promise in BackendConformance.Cases)
        {
            PromiseReport report = hangs ? PromiseReport.NotTried(promise.Name)
                : promise.AppliesTo(bench, traits) ? await KeepsAsync(bench, promise, limit, cancellationToken)
                : PromiseReport.NotClaimed(promise.Name);
            hangs |= report.Hangs;
            yield return report;
        }

        IStoragePool? pool = null;
        PromiseReport opened = hangs ? PromiseReport.NotTried("") : await PromiseReport.OfAsync("", async late =>
        {
            await BackendConformance.MakeAsync(bench, late);
            pool = await bench.Make().OpenPoolAsync(bench.Spec.Name, late);
        }, limit, cancellationToken);
        if (pool is null)
        {
            // The promises about pools have said why.
            foreach (ConformanceCase promise in PoolConformance.Cases)
            {
                yield return opened with { Promise = promise.Name, Kept = null, Reason = opened.Kept == false ? $"was not tried, since there is no pool: {opened.Reason}" : opened.Reason };
            }

            yield break;
        }

        try
        {
            await foreach (PromiseReport report in CheckAsync(pool, bench.Run, limit, cancellationToken))
            {
                hangs |= report.Hangs;
                yield return report;
            }
        }
        finally
        {
            // What hangs may still use it; and what goes wrong here a promise about pools has told before.
            if (!hangs)
            {
                await PromiseReport.OfAsync("", async late =>
                {
                    await pool.DisposeAsync();
                    await BackendConformance.RemoveAsync(bench, late);
                }, SweepLimit, CancellationToken.None);
            }
        }
    }

    /// <summary>Holds a pool, which has to be empty and is left so, to the contract.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="run">Runs a plan as the host does.</param>
    /// <param name="limit">How long a promise may take before it is broken.</param>
    /// <param name="cancellationToken">Stops it; what the promise that runs made is removed.</param>
    public static async IAsyncEnumerable<PromiseReport> CheckAsync(
        IStoragePool pool, RunPlan run, TimeSpan limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        bool hangs = false;
        foreach (ConformanceCase promise in PoolConformance.Cases)
        {
            PromiseReport report = hangs ? PromiseReport.NotTried(promise.Name)
                : promise.AppliesTo(pool) ? await KeepsAsync(pool, run, promise, limit, cancellationToken)
                : PromiseReport.NotClaimed(promise.Name);
            hangs |= report.Hangs;
            yield return report;
        }
    }

    /// <summary>Holds one backend to one promise, and removes the pool that it leaves.</summary>
    public static Task<PromiseReport> KeepsAsync(BackendBench bench, BackendCase promise, TimeSpan limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(promise);
        return TryAsync(promise.Name, late => promise.CheckAsync(bench, late), late => BackendConformance.RemoveAsync(bench, late), limit, cancellationToken);
    }

    /// <summary>Holds one pool to one promise, and removes what that made.</summary>
    public static Task<PromiseReport> KeepsAsync(IStoragePool pool, RunPlan run, ConformanceCase promise, TimeSpan limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(promise);
        return TryAsync(promise.Name, late => promise.CheckAsync(pool, run, late), late => PoolSweep.RunAsync(pool, run, late), limit, cancellationToken);
    }

    /// <summary>Holds one transport to one promise, and ends the exports that it leaves.</summary>
    public static Task<PromiseReport> KeepsAsync(TransportBench bench, TransportCase promise, TimeSpan limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(promise);
        return TryAsync(promise.Name, late => promise.CheckAsync(bench, late), late => TransportConformance.EndAsync(bench, late), limit, cancellationToken);
    }

    private static async Task<PromiseReport> TryAsync(
        string promise, Func<CancellationToken, Task> check, Func<CancellationToken, Task> sweep, TimeSpan limit, CancellationToken cancellationToken)
    {
        PromiseReport? report = null;
        try
        {
            report = await PromiseReport.OfAsync(promise, check, limit, cancellationToken);
            return report.Hangs ? report : report.And(await PromiseReport.OfAsync(promise, sweep, SweepLimit, CancellationToken.None));
        }
        finally
        {
            // Not the caller's token: what was made has to go, above all when a person has had enough.
            if (report is null)
            {
                await PromiseReport.OfAsync(promise, sweep, SweepLimit, CancellationToken.None);
            }
        }
    }

    private static async Task<VolumeTraits> RequireFreeAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        IStorageBackend backend = bench.Make();
        ProbeResult probe = await backend.ProbeAsync(cancellationToken);
        if (probe.Capabilities is not BackendCapabilities capabilities)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{bench.Spec.Name}", $"can't be made on this machine: {string.Join("; ", probe.Missing)}");
        }

        Plan plan = await backend.PlanCreatePoolAsync(bench.Spec, cancellationToken);
        return plan.Steps.Any(step => step.Expected == StepEffect.AlreadySo)
            ? throw new StorageException(StorageErrorKind.Conflict, $"{bench.Spec.Name}", "is there: name a place that has no pool")
            : capabilities.Traits;
    }
}
