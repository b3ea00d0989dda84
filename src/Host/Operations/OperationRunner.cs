using System.Collections.Concurrent;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations.Steps;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations;

/// <summary>Takes requests, journals them, runs them one beside the other, and finishes what a crash left.</summary>
internal sealed partial class OperationRunner(OperationTools tools, TimeProvider time, ILogger<OperationRunner> logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, (RunningOperation Operation, Task Ended)> _running = new();
    private readonly OperationClaims _claims = new(tools.Journal, tools.Planners);

    /// <summary>Whether this process goes on serving what ends with it.</summary>
    internal bool Serves { get; set; }

    /// <summary>What a request would do.</summary>
    internal async Task<PlanReport> PlanAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        Guid id = Guid.NewGuid();
        tools.Stalled.Require(request.Scope);
        RequireOrdinaryNames(request, id);
        await using Owned owned = new();
        Plan plan = await AskedNames.KeepAsync(
            request, id, () => tools.Planners.For(request).PlanAsync(request, ContextOf(RequestFor(request, id), image, false, owned, static (_, _) => { }), cancellationToken));
        return new(request, [.. plan.Steps.Select(step => new PlannedStep(step.Title, step.Expected.ToString()))]);
    }

    /// <summary>Plans a request, journals it, and starts it.</summary>
    internal async Task<Guid> SubmitAsync(ChangeRequest request, SafeFileHandle? image, Caller caller, CancellationToken cancellationToken)
    {
        tools.Stalled.Require(request.Scope);

        // One that the daemon goes on with by itself may be asked for again by who did not see that.
        if (request is ImportImage { Url: not null } && _running.Values.Select(running => running.Operation.Current).FirstOrDefault(running => running.Request.Equals(request)) is OperationReport same)
        {
            return same.Id;
        }

        IChangePlanner planner = tools.Planners.For(request);
        RequireOrdinaryNames(request, Guid.NewGuid());
        SafeFileHandle? copy = image is null ? null : Linux.ExistingFile.Duplicate(image);
        Owned owned = new();
        owned.Add(copy);
        IReadOnlyList<HeldLock> names = [];
        HeldLock? own = null;
        try
        {
            (OperationDocument? kept, own) = await TakeKeptAsync(request, copy, cancellationToken) is var (document, taken) ? (document, taken) : (null, null);
            OperationRequest operation = kept?.ToRequest() ?? RequestFor(request, Guid.NewGuid());
            names = await TakeNamesAsync(request, operation.Id, $"operation {operation.Id}", cancellationToken);
            _claims.RequireNone(request, _running.ContainsKey);
            Dictionary<string, Guid> targets = await OperationTargets.ReadAsync(tools.Pools, request, planner.Owns(request, operation.Id), cancellationToken);
            Dictionary<string, string> results = [];
            CopyMark? copied = kept?.Copied;
            RunningOperation? running = null;
            PlanningContext context = ContextOf(operation, copy, kept is not null, owned, (key, value) => results[key] = value) with
            {
                From = copied,
                Forget = () => copied = null,
                Mark = mark => running!.Mark(mark),
            };
            Plan plan = await AskedNames.KeepAsync(request, operation.Id, () => planner.PlanAsync(request, context, cancellationToken));
            own ??= tools.Journal.TryOwn(operation.Id);
            running = new(DocumentOf(request, operation, targets, plan, results, caller) with { Copied = copied }, tools.Journal, time);
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
            await owned.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops what runs, and waits until it is undone.</summary>
    public async ValueTask DisposeAsync()
    {
        CancelAll();
        await Task.WhenAll(_running.Values.Select(running => running.Ended));
    }

    /// <summary>Asks all that runs to stop, since this process does. What an import has copied is left for the next one.</summary>
    internal void CancelAll()
    {
        _stopping = true;
        foreach ((RunningOperation operation, Task _) in _running.Values)
        {
            operation.Cancel();
        }
    }

    private void Start(RunningOperation running, Plan plan, Dictionary<string, string> results, HeldLock[] held, Owned owned)
    {
        TaskCompletionSource started = new();
        Task ended = RunToEndAsync();
        _running[running.Id] = (running, ended);
        started.SetResult();

        async Task RunToEndAsync()
        {
            await started.Task;
            await Task.Yield();
            bool isStalled = false;
            try
            {
                Func<OperationReport, OperationReport> ended = await RunAsync(running, plan, running.Cancelled);
                End(running, report => ended(report) with { Results = results });
            }
            catch (StalledStepException e)
            {
                isStalled = true;   // its step may still use what it holds, and its locks keep others from it
                tools.Stalled.Keep([.. held, owned]);
                EndStalled(running, e);
            }
            finally
            {
                foreach (HeldLock locked in isStalled ? [] : held)
                {
                    locked.Dispose();
                }

                if (!isStalled)
                {
                    await owned.DisposeAsync();
                    _running.TryRemove(running.Id, out _);
                    running.Dispose();
                }
            }
        }
    }

    private void End(RunningOperation running, Func<OperationReport, OperationReport> outcome)
    {
        OperationReport Ended(OperationReport report) => InAskedNames(outcome(report)) with { Ended = time.GetUtcNow(), Progress = null };
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
        try
        {
            tools.Journal.Trim(atOnce: false);
        }
        catch (StorageException e)
        {
            LogUnreadable(e.Message);
        }
    }

    private static OperationReport InAskedNames(OperationReport report) => report with { Error = AskedNames.InWordsOf(report.Request, report.Id, report.Error) };

    private async Task<Func<OperationReport, OperationReport>> RunAsync(RunningOperation running, Plan plan, CancellationToken cancellationToken)
    {
        try
        {
            await tools.Plans.RunAsync(RunOf(running, plan), cancellationToken);
            return static report => report with { State = OperationState.Succeeded, Error = null };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Leaves(running) ? report => Interrupted(report, running.Copied!) : static report => report with { State = OperationState.Cancelled, Error = null };
        }
        catch (StalledStepException)
        {
            throw;
        }
        catch (StorageException e)
        {
            return report => Failed(report, e);
        }
        catch (Exception e)
        {
            LogFault(e);
            return report => Failed(report, FaultOf(report.Request, e));
        }
        finally
        {
            tools.Pools.Release(running.Id);   // before anybody is told that it has ended
        }
    }

    // Who waits is told. On disk it still runs, so that the next start finishes it or undoes it.
    private void EndStalled(RunningOperation running, StalledStepException e)
    {
        running.Update(report => report with { State = OperationState.NeedsAttention, Error = ErrorReport.Of(e), Ended = time.GetUtcNow(), Progress = null }, onDisk: false);
        LogAudit(running.Current);
    }

    private PlanRun RunOf(RunningOperation running, Plan plan)
    {
        // Once for all its steps: one of them may close the pool, and asking its id would open it again.
        Lazy<Task<string>> key = new(() => tools.Locks.KeyOfAsync(running.Current.Request.Scope, CancellationToken.None));
        return RunOf(running, plan, key);
    }

    private PlanRun RunOf(RunningOperation running, Plan plan, Lazy<Task<string>> key) => new()
    {
        Plan = plan,
        Pool = running.Current.Request.Scope,
        Request = running.Request,
        Progress = running,
        Leaves = () => Leaves(running),
        Tell = (step, outcome) => running.Tell(plan.Steps.ToList().IndexOf(step), outcome),
        TellReverting = cause => running.Update(report => report with
        {
            State = OperationState.Reverting,
            Error = cause is OperationCanceledException ? null : AskedNames.InWordsOf(report.Request, report.Id, ErrorReport.Of(FaultOf(report.Request, cause))),
            Progress = null,
        }),
        LockAsync = (step, cancellationToken) => LockAsync(running.Current.Request, step, key, cancellationToken),
    };

    // Before each step and each undoing. Another operation's step may have been left meanwhile: then this one ends where it stands, too.
    private async Task<HeldLock?> LockAsync(ChangeRequest request, StorageStep step, Lazy<Task<string>> key, CancellationToken cancellationToken)
    {
        tools.Stalled.RequireToGoOn(request.Scope);
        if (step is DataStep || tools.Planners.For(request).CopiesData)
        {
            return null;
        }

        HeldLock? held = null;
        try
        {
            held = await tools.Locks.TakePoolAsync(await key.Value, request.Subject, step.Title, cancellationToken);
            tools.Stalled.RequireToGoOn(request.Scope);
            return held;
        }
        catch (Exception) when (tools.Stalled.Contains(request.Scope))
        {
            held?.Dispose();
            tools.Stalled.RequireToGoOn(request.Scope);   // whoever waited for a lock that is kept never gets it
            throw;
        }
    }

    private PlanningContext ContextOf(OperationRequest operation, SafeFileHandle? image, bool recovering, Owned owned, Action<string, string> result) => new()
    {
        Operation = operation,
        Parts = tools.Parts,
        Pools = tools.Pools,
        Records = tools.Records,
        Images = tools.Images,
        Serves = Serves,
        Recovering = recovering,
        Image = image,
        Owns = owned.Add,
        Result = result,
    };

    // Of one that a crash cut short.
    private PlanningContext ContextOf(OperationDocument document)
        => ContextOf(document.ToRequest(), null, true, new(), static (_, _) => { }) with { Told = document.Operation.Results };

    private OperationRequest RequestFor(ChangeRequest request, Guid id)
        => new() { Id = id, Ids = tools.Planners.For(request).Makes(request, id).ToDictionary(name => name, static _ => Guid.NewGuid()) };

    private OperationDocument DocumentOf(
        ChangeRequest request, OperationRequest operation, Dictionary<string, Guid> targets, Plan plan, Dictionary<string, string> results, Caller caller) => new()
        {
            Ids = operation.Ids,
            Targets = targets,
            Operation = new()
            {
                Id = operation.Id,
                Request = request,
                UserId = caller.UserId,
                Started = time.GetUtcNow(),
                State = OperationState.Running,
                Steps = StepsOf(plan),
                Results = new Dictionary<string, string>(results),
            },
        };

    private static StepReport[] StepsOf(Plan plan) => [.. plan.Steps.Select(static step => new StepReport(step.Title, StepState.Pending))];

    private static OperationReport Failed(OperationReport report, StorageException e) => report with
    {
        State = e.Kind == StorageErrorKind.NeedsAttention ? OperationState.NeedsAttention : OperationState.Failed,
        Error = ErrorReport.Of(e),
    };

    private StorageException FaultOf(ChangeRequest request, Exception e) => tools.Faults.Of(request.Subject, e);

    private async Task<IReadOnlyList<HeldLock>> TakeNamesAsync(ChangeRequest request, Guid operation, string doing, CancellationToken cancellationToken)
    {
        IReadOnlyList<HeldLock> names = await tools.Locks.TakeNamesAsync(request.Scope, tools.Planners.For(request).Owns(request, operation), doing, cancellationToken);
        if (request is not (AddExport or SetExport or RemoveExport))
        {
            return names;
        }

        try
        {
            return [.. names, await tools.Locks.TakeExportsAsync(request.Subject, doing, cancellationToken)];
        }
        catch
        {
            foreach (HeldLock held in names)
            {
                held.Dispose();
            }

            throw;
        }
    }

    // Names that the host gives to what is not whole yet. One that was left can be deleted, and that is all.
    private void RequireOrdinaryNames(ChangeRequest request, Guid operation)
    {
        if (request is not DeleteVolume && tools.Planners.For(request).Owns(request, operation).Any(name => name.IsTemporary))
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, request.Subject, "is a name for what an operation has not finished: choose another; one that was left can be deleted");
        }
    }

    private void LogAudit(OperationReport operation)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            string request = JsonSerializer.Serialize(UrlRule.WithoutQuery(operation.Request), ApiJson.Compact);
            LogEnded(operation.State, operation.UserId, operation.Id, request, operation.Error?.Message ?? "");
        }
    }

    [LoggerMessage(EventId = 100, EventName = "operation", Level = LogLevel.Information,
        Message = "{State}: user {UserId}, operation {Id}, {Request} {Error}")]
    private partial void LogEnded(OperationState state, uint userId, Guid id, string request, string error);

    [LoggerMessage(EventId = 105, EventName = "operation.cleared", Level = LogLevel.Information, Message = "user {UserId} cleared operation {Id}")]
    private partial void LogCleared(uint userId, Guid id);

    [LoggerMessage(EventId = 102, EventName = "fault", Level = LogLevel.Error, Message = "a step failed unexpectedly")]
    private partial void LogFault(Exception exception);
}
