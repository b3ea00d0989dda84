using System.Diagnostics.Metrics;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Operations;

/// <summary>
/// Times the planning of changes, and logs what is refused before it becomes an operation. It goes around every planner. Who asks for a change that a
/// plugin does not come back from planning is told so, and that is all: planning changes nothing.
/// </summary>
internal sealed partial class TimedPlanner(
    IChangePlanner inner, IMeterFactory meters, ILogger<TimedPlanner> logger, TimeProvider time, PluginFaults faults, Profile profile) : IChangePlanner
{
    private readonly Histogram<double> _duration = meters.Create("EveStorage.Host").CreateHistogram<double>("evestorage.planning.duration", "s");

    /// <inheritdoc/>
    public Type Handles => inner.Handles;

    /// <inheritdoc/>
    public Recovery AfterCrash => inner.AfterCrash;

    /// <inheritdoc/>
    public bool CopiesData => inner.CopiesData;

    /// <inheritdoc/>
    public IEnumerable<VolumeName> Owns(ChangeRequest request, Guid operation) => inner.Owns(request, operation);

    /// <inheritdoc/>
    public IEnumerable<string> Makes(ChangeRequest request, Guid operation) => inner.Makes(request, operation);

    /// <inheritdoc/>
    public Task<Plan> PlanAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
        => MeasureAsync(request, context, () => inner.PlanAsync(request, context, cancellationToken));

    /// <inheritdoc/>
    public Task<Plan?> PlanUndoAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
        => MeasureAsync(request, context, () => inner.PlanUndoAsync(request, context, cancellationToken));

    private async Task<T> MeasureAsync<T>(ChangeRequest request, PlanningContext context, Func<Task<T>> plan)
    {
        long start = time.GetTimestamp();
        try
        {
            return await EndAsync(request, context, plan);
        }
        catch (StorageException e)
        {
            LogRefused(request.GetType().Name, e.Kind, e.Message);
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogFault(e);
            throw faults.Of(request.Subject, e);
        }
        finally
        {
            _duration.Record(time.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("change", request.GetType().Name));
        }
    }

    private async Task<T> EndAsync<T>(ChangeRequest request, PlanningContext context, Func<Task<T>> plan)
    {
        if (request is ImportImage)
        {
            return await plan();   // it looks at an image, which may come slowly: that has limits of its own
        }

        Task<T> planning = Task.Run(plan, CancellationToken.None);
        TimeSpan limit = profile.Operations.Stall;
        try
        {
            return await planning.WaitAsync(limit, time);
        }
        catch (TimeoutException) when (!planning.IsCompleted)
        {
            // left alone
        }

        string waits = context.Records.BeingRead is { Count: > 0 } read ? $", and these have not given their records: {string.Join(", ", read)}" : "";
        throw new StorageException(
            StorageErrorKind.Io, request.Subject, $"has not come back from planning {Named(request)}: nothing was said of it for {limit.TotalSeconds:0} s{waits}");
    }

    private static string Named(ChangeRequest request) => JsonNamingPolicy.KebabCaseLower.ConvertName(request.GetType().Name);

    [LoggerMessage(EventId = 106, EventName = "planning.fault", Level = LogLevel.Error, Message = "planning failed unexpectedly")]
    private partial void LogFault(Exception exception);

    [LoggerMessage(EventId = 104, EventName = "operation.refused", Level = LogLevel.Information, Message = "refused: {Change}: {Kind}: {Reason}")]
    private partial void LogRefused(string change, StorageErrorKind kind, string reason);
}
