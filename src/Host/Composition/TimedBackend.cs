using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Composition;

/// <summary>
/// Times a backend's calls and logs those that fail. Only backends are wrapped: a pool's optional abilities are
/// interfaces, which a wrapper of <see cref="IStoragePool"/> would hide.
/// </summary>
internal sealed partial class TimedBackend(
    IStorageBackend inner, IMeterFactory meters, ILogger<TimedBackend> logger, TimeProvider time) : IStorageBackend
{
    private readonly Histogram<double> _duration = meters.Create("EveStorage.Host").CreateHistogram<double>("evestorage.backend.duration", "s");

    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
        => MeasureAsync("probe", () => inner.ProbeAsync(cancellationToken));

    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
        => MeasureAsync("plan create", () => inner.PlanCreatePoolAsync(spec, cancellationToken));

    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken)
        => MeasureAsync("plan delete", () => inner.PlanDeletePoolAsync(name, cancellationToken));

    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken)
        => MeasureAsync("plan close", () => inner.PlanClosePoolAsync(name, cancellationToken));

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
        => MeasureAsync("open", () => inner.OpenPoolAsync(name, cancellationToken));

    private async ValueTask<T> MeasureAsync<T>(string operation, Func<ValueTask<T>> call)
    {
        long start = time.GetTimestamp();
        try
        {
            return await call();
        }
        catch (StorageException e)
        {
            LogFailed(operation, e.Kind, e.Message);
            throw;
        }
        finally
        {
            _duration.Record(time.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("operation", operation));
        }
    }

    [LoggerMessage(10, LogLevel.Debug, "{Operation}: {Kind}: {Reason}")]
    private partial void LogFailed(string operation, StorageErrorKind kind, string reason);
}
