using System.Collections.Concurrent;
using System.Text.Json;
using EveStorage.Host.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations.Steps;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations;

/// <summary>Who asks.</summary>
/// <param name="UserId">The user, as the kernel knows it.</param>
internal sealed record Caller(uint UserId);

/// <summary>What an <see cref="OperationRunner"/> works with.</summary>
internal sealed record OperationTools(
    StorageParts Parts, OpenPools Pools, ImageConversion Images, StorageLocks Locks, Journal Journal, PlanRunner Plans, ChangePlanners Planners);

/// <summary>Takes requests, journals them, runs them one beside the other, and finishes what a crash left.</summary>
internal sealed partial class OperationRunner(OperationTools tools, TimeProvider time, ILogger<OperationRunner> logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, (RunningOperation Operation, Task Ended)> _running = new();

    /// <summary>Whether this process goes on serving what ends with it.</summary>
    internal bool Serves { get; set; }

    /// <summary>What a request would do.</summary>
    internal async Task<PlanReport> PlanAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        Guid id = Guid.NewGuid();
        Plan plan = await tools.Planners.For(request).PlanAsync(request, ContextOf(RequestFor(request, id), image, false, static (_, _) => { }), cancellationToken);
        return new(request, [.. plan.Steps.Select(step => new PlannedStep(step.Title, step.Expected.ToString()))]);
    }

    /// <summary>Plans a request, journals it, and starts it.</summary>
    internal async Task<Guid> SubmitAsync(ChangeRequest request, SafeFileHandle? image, Caller caller, CancellationToken cancellationToken)
    {
        IChangePlanner planner = tools.Planners.For(request);
        OperationRequest operation = RequestFor(request, Guid.NewGuid());
        SafeFileHandle? owned = image is null ? null : Linux.ExistingFile.Duplicate(image);
        IReadOnlyList<HeldLock> names = [];
        HeldLock? own = null;
        try
        {
            names = await tools.Locks.TakeNamesAsync(request.Pool, planner.Owns(request, operation.Id), $"operation {operation.Id}", cancellationToken);
            Dictionary<string, string> results = [];
            Plan plan = await planner.PlanAsync(request, ContextOf(operation, owned, false, (key, value) => results[key] = value), cancellationToken);
            own = tools.Journal.TryOwn(operation.Id);
            RunningOperation running = new(DocumentOf(request, operation, plan, caller), tools.Journal, time);
            running.Update(static report => report);   // on disk, before the first step
            HeldLock[] held = [.. names, .. new[] { own }.OfType<HeldLock>()];
            Start(running, plan, results, held, owned);
            return operation.Id;
        }
        catch
        {
            foreach (HeldLock held in names)
            {
                held.Dispose();
            }

            own?.Dispose();
            owned?.Dispose();
            throw;
        }
    }

    /// <summary>Operations that run here, and those that are on record.</summary>
    internal IReadOnlyList<OperationReport> List()
        => [.. tools.Journal.ReadAll().Select(document => document.Operation).Select(
            read => _running.TryGetValue(read.Id, out (RunningOperation Operation, Task) known) ? known.Operation.Current : read)];

    /// <summary>One operation.</summary>
    internal OperationReport Get(Guid id)
        => _running.TryGetValue(id, out (RunningOperation Operation, Task) known) ? known.Operation.Current : tools.Journal.Read(id).Operation;

    /// <summary>One operation as it changes, to its end.</summary>
    internal IAsyncEnumerable<OperationReport> WatchAsync(Guid id, CancellationToken cancellationToken)
        => _running.TryGetValue(id, out (RunningOperation Operation, Task) known)
            ? known.Operation.WatchAsync(cancellationToken)
            : new[] { tools.Journal.Read(id).Operation }.ToAsyncEnumerable();

    /// <summary>Asks an operation to stop.</summary>
    /// <exception cref="StorageException">It runs in another process.</exception>
    internal void Cancel(Guid id)
    {
        if (_running.TryGetValue(id, out (RunningOperation Operation, Task) known))
        {
            known.Operation.Cancel();
        }
        else if (tools.Journal.Read(id).Operation.State == OperationState.Running)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{id}", "runs in another process: stop it there");
        }
    }

    /// <summary>Stops what runs, and waits until it is undone.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach ((RunningOperation operation, Task ended) in _running.Values)
        {
            operation.Cancel();
            await ended;
        }
    }

    private void Start(RunningOperation running, Plan plan, Dictionary<string, string> results, HeldLock[] held, SafeFileHandle? image)
    {
        TaskCompletionSource started = new();
        Task ended = RunToEndAsync();
        _running[running.Id] = (running, ended);
        started.SetResult();

        async Task RunToEndAsync()
        {
            await started.Task;
            await Task.Yield();
            Func<OperationReport, OperationReport> ended = await RunAsync(running, plan, running.Cancelled);
            End(running, report => ended(report) with { Results = results });
            foreach (HeldLock locked in held)
            {
                locked.Dispose();
            }

            image?.Dispose();
            _running.TryRemove(running.Id, out _);
            running.Dispose();
        }
    }

    private void End(RunningOperation running, Func<OperationReport, OperationReport> outcome)
    {
        OperationReport Ended(OperationReport report) => outcome(report) with { Ended = time.GetUtcNow(), Progress = null };
        try
        {
            running.Update(Ended);
        }
        catch (StorageException e)
        {
            // Who waits is told all the same; on disk it still runs, so the next start finishes it or undoes it.
            running.Update(report => Ended(report) with { State = OperationState.NeedsAttention, Error = ErrorReport.Of(e) }, onDisk: false);
        }

        LogAudit(running.Current);
    }

    private async Task<Func<OperationReport, OperationReport>> RunAsync(RunningOperation running, Plan plan, CancellationToken cancellationToken)
    {
        try
        {
            await tools.Plans.RunAsync(RunOf(running, plan), cancellationToken);
            return static report => report with { State = OperationState.Succeeded };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return static report => report with { State = OperationState.Cancelled };
        }
        catch (StorageException e)
        {
            return report => Failed(report, e);
        }
        catch (Exception e) when (Unexpected(e))
        {
            StorageException told = new(StorageErrorKind.Io, running.Current.Request.Subject, $"{e.Message} ({e.GetType().Name}: a fault of the program, please report it)", e);
            return report => Failed(report, told);
        }
    }

    private PlanRun RunOf(RunningOperation running, Plan plan) => new()
    {
        Plan = plan,
        Request = running.Request,
        Progress = running,
        Tell = (step, outcome) => running.Tell(plan.Steps.ToList().IndexOf(step), outcome),
        LockAsync = async (step, cancellationToken) => step is DataStep || tools.Planners.For(running.Current.Request).CopiesData
            ? null
            : await tools.Locks.TakePoolAsync(running.Current.Request.Pool, step.Title, cancellationToken),
    };

    private PlanningContext ContextOf(OperationRequest operation, SafeFileHandle? image, bool recovering, Action<string, string> result) => new()
    {
        Operation = operation,
        Parts = tools.Parts,
        Pools = tools.Pools,
        Images = tools.Images,
        Serves = Serves,
        Recovering = recovering,
        Image = image,
        Result = result,
    };

    private OperationRequest RequestFor(ChangeRequest request, Guid id)
        => new() { Id = id, Ids = tools.Planners.For(request).Makes(request, id).ToDictionary(name => name, static _ => Guid.NewGuid()) };

    private OperationDocument DocumentOf(ChangeRequest request, OperationRequest operation, Plan plan, Caller caller) => new()
    {
        Ids = operation.Ids,
        Operation = new()
        {
            Id = operation.Id,
            Request = request,
            UserId = caller.UserId,
            Started = time.GetUtcNow(),
            State = OperationState.Running,
            Steps = StepsOf(plan),
        },
    };

    private static StepReport[] StepsOf(Plan plan) => [.. plan.Steps.Select(static step => new StepReport(step.Title, StepState.Pending))];

    private static OperationReport Failed(OperationReport report, StorageException e) => report with
    {
        State = e.Kind == StorageErrorKind.NeedsAttention ? OperationState.NeedsAttention : OperationState.Failed,
        Error = ErrorReport.Of(e),
    };

    private bool Unexpected(Exception e)
    {
        LogFault(e);
        return true;
    }

    private void LogAudit(OperationReport operation)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            string request = JsonSerializer.Serialize(operation.Request, ApiJson.Compact);
            LogEnded(operation.State, operation.UserId, operation.Id, request, operation.Error?.Message ?? "");
        }
    }

    [LoggerMessage(EventId = 100, EventName = "operation", Level = LogLevel.Information,
        Message = "{State}: user {UserId}, operation {Id}, {Request} {Error}")]
    private partial void LogEnded(OperationState state, uint userId, Guid id, string request, string error);

    [LoggerMessage(EventId = 102, EventName = "fault", Level = LogLevel.Error, Message = "a step failed unexpectedly")]
    private partial void LogFault(Exception exception);
}
