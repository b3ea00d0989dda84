using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Engine;

/// <summary>
/// Starts checks and trims when their time has come, while the daemon runs. When that was last done is asked of the pool, and where it
/// does not know of the journal. One that was interrupted by a person rests until a person goes on with it. Without a schedule nothing runs.
/// </summary>
internal sealed class PoolCare(Profile profile, OpenPools pools, OperationRunner runner, Journal journal, IEventSink events, TimeProvider time) : DaemonPart
{
    /// <summary>How often it looks: what is done every few days may be done some minutes late.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromMinutes(10);

    // What was refused, as a check is while a drive is rebuilt, is not asked for at every look.
    private static readonly TimeSpan s_again = TimeSpan.FromHours(1);

    private readonly Dictionary<(PoolName Pool, Type Change), DateTimeOffset> _asked = [];

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (profile.Pools.Values.All(pool => pool.ScrubEvery == TimeSpan.Zero && pool.TrimEvery == TimeSpan.Zero))
        {
            return;
        }

        using PeriodicTimer timer = new(Interval, time);
        do
        {
            foreach ((PoolName name, PoolOptions options) in profile.Pools)
            {
                await LookAsync(name, options, cancellationToken);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Starts what is due of a pool.</summary>
    internal async Task LookAsync(PoolName name, PoolOptions options, CancellationToken cancellationToken)
    {
        try
        {
            if ((options.ScrubEvery == TimeSpan.Zero && options.TrimEvery == TimeSpan.Zero) || runner.IsAtWholePool(name) || await pools.TryOpenAsync(name, cancellationToken) is not IStoragePool pool)
            {
                return;
            }

            PoolStatus status = await pool.GetStatusAsync(cancellationToken);
            if (pool is IScrubbablePool && status.Scrub is not ({ Running: true } or { Paused: true }))
            {
                await AskAsync(new ScrubPool { Pool = name }, options.ScrubEvery, status.Scrub?.Ended, cancellationToken);
            }

            if (pool is ITrimmablePool && status.Trim is not ({ Running: true } or { Paused: true }))
            {
                await AskAsync(new TrimPool { Pool = name }, options.TrimEvery, status.Trim?.Ended, cancellationToken);
            }
        }
        catch (StorageException e)
        {
            events.Report(new("pool.care-waits", EventSeverity.Warning, $"{name}", $"could not be checked or trimmed on its schedule: {e.Message}"));
        }
    }

    private async Task AskAsync(PoolChange change, TimeSpan every, DateTimeOffset? ended, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (every == TimeSpan.Zero || now - (ended ?? LastAsked(change)) < every || now - _asked.GetValueOrDefault((change.Pool, change.GetType())) < s_again)
        {
            return;
        }

        _asked[(change.Pool, change.GetType())] = now;
        await runner.SubmitAsync(change, null, new Caller(FileOwner.Ours), cancellationToken);
    }

    private DateTimeOffset LastAsked(PoolChange change)
        => journal.ReadAll().Select(document => document.Operation)
            .LastOrDefault(operation => operation.State == OperationState.Succeeded && operation.Request.Equals(change))?.Started ?? DateTimeOffset.MinValue;
}
