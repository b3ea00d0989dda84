using EveStorage.Cli.Api;
using EveStorage.Host.Locks;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Operations;

/// <summary>What a crash cut short is planned anew from its request: the steps it had are gone with their process.</summary>
internal sealed partial class OperationRunner
{
    /// <summary>Finishes or undoes every operation that no process runs any more. One that can't be keeps no other from it.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="of">Only those of this pool.</param>
    internal async Task RecoverAsync(CancellationToken cancellationToken, PoolName? of = null)
    {
        foreach (OperationDocument document in tools.Journal.ReadOpen(e => LogUnreadable(e.Message)).Where(document => document.Operation.State.IsUnderWay() || IsOver(document.Operation)))
        {
            if ((of is not null && document.Operation.Request.Scope != of) || tools.Stalled.Contains(document.Operation.Request.Scope))
            {
                continue;
            }

            try
            {
                await RecoverAsync(document.Operation.Id, left => left.Operation.State.IsUnderWay() || IsOver(left.Operation) ? left : null, cancellationToken);
            }
            catch (StorageException e)
            {
                LogNotYet(document.Operation.Id, e.Message);
            }
        }

        tools.Journal.Trim(atOnce: true);
    }

    // One that no process runs, if it is still what it was found to be: its process may have ended it between our reading and its letting go.
    private async Task RecoverAsync(Guid id, Func<OperationDocument, OperationDocument?> find, CancellationToken cancellationToken)
    {
        HeldLock? own = tools.Journal.TryOwn(id);
        try
        {
            if (own is not null && find(tools.Journal.Read(id)) is OperationDocument abandoned)
            {
                await RecoverAsync(abandoned, cancellationToken);
            }
        }
        catch (StalledStepException e)
        {
            LogNotYet(id, e.Message);
            tools.Stalled.Keep([.. new[] { own }.OfType<HeldLock>()]);   // nobody else takes it up while its step may still act
            own = null;
        }
        finally
        {
            own?.Dispose();
        }
    }

    private async Task RecoverAsync(OperationDocument document, CancellationToken cancellationToken)
    {
        ChangeRequest request = document.Operation.Request;
        IChangePlanner planner = tools.Planners.For(request);
        using RunningOperation running = new(document, tools.Journal, time);
        IReadOnlyList<HeldLock> names = [];
        try
        {
            names = await TakeNamesAsync(request, running.Id, $"recovery of operation {running.Id}", cancellationToken);
            Exception? cause = await RedoAsync(running, document, planner, cancellationToken);
            if (cause is not null && !await TryKeepAsync(running, document, planner, cancellationToken))
            {
                await UndoAsync(running, document, planner, cause, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;   // this start was told to stop: the next one goes on
        }
        catch (StalledStepException)
        {
            tools.Stalled.Keep(names);   // they stay taken
            names = [];
            throw;
        }
        catch (Exception e)
        {
            if (e is not PlanFailedException && await MayStillEndAsync(request, e))
            {
                LogNotYet(running.Id, e.Message);
                return;
            }

            if (e is not StorageException)
            {
                LogFault(e);
            }

            // Neither finished nor undone: what it left is known to nobody but a person who looks.
            StorageException told = FaultOf(request, e);
            End(running, report => report with { State = OperationState.NeedsAttention, Error = ErrorReport.Of(told) });
        }
        finally
        {
            foreach (HeldLock name in names)
            {
                name.Dispose();
            }
        }
    }

    /// <summary>Runs it again, where that is what becomes of it.</summary>
    /// <returns>Why it has to be undone; null when it has ended.</returns>
    private async Task<Exception?> RedoAsync(RunningOperation running, OperationDocument document, IChangePlanner planner, CancellationToken cancellationToken)
    {
        ChangeRequest request = document.Operation.Request;
        if (document.Operation.State == OperationState.Reverting)
        {
            return document.Operation.Error?.ToException() as Exception ?? new OperationCanceledException();
        }

        if (planner.AfterCrash == Recovery.Undo)
        {
            return CutShort(request);
        }

        Dictionary<string, Guid> now = await OperationTargets.ReadAsync(tools.Pools, request, planner.Owns(request, running.Id), cancellationToken);
        if (OperationTargets.FindReplaced(request, document.Targets, now) is StorageException replaced)
        {
            End(running, report => Failed(report, replaced));
            return null;
        }

        Plan plan;
        try
        {
            plan = await planner.PlanAsync(request, ContextOf(document), cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            if (e is StalledStepException || await MayStillEndAsync(request, e))
            {
                throw;
            }

            return e;
        }

        running.Update(report => report with { Steps = StepsOf(plan) });
        End(running, await RunAsync(running, plan, cancellationToken));
        return null;
    }

    private async Task UndoAsync(RunningOperation running, OperationDocument document, IChangePlanner planner, Exception cause, CancellationToken cancellationToken)
    {
        Plan? plan = await planner.PlanUndoAsync(
            document.Operation.Request, ContextOf(document), cancellationToken);
        if (plan is not null)
        {
            running.Update(report => report with { Steps = StepsOf(plan) });
            await tools.Plans.UndoAsync(RunOf(running, plan), cause);
        }

        End(running, report => plan is null ? report with { State = OperationState.Succeeded, Error = null }
            : cause is OperationCanceledException ? report with { State = OperationState.Cancelled, Error = null }
            : Failed(report, FaultOf(report.Request, cause)));
    }

    // Not while its pool can't be opened (a drive that is not there yet), or somebody else has its volume.
    private async Task<bool> MayStillEndAsync(ChangeRequest request, Exception e)
    {
        try
        {
            return (e as StorageException)?.Kind is StorageErrorKind.Busy or StorageErrorKind.Unavailable or StorageErrorKind.Io
                || (request is not (CreatePool or DeletePool) && request.Scope is PoolName pool && await tools.Pools.TryOpenAsync(pool, CancellationToken.None) is null);
        }
        catch (StorageException)
        {
            return true;
        }
    }

    private static StorageException CutShort(ChangeRequest request)
        => new(StorageErrorKind.Io, request.Subject, "was cut short, and what it had made is removed: run it again");

    [LoggerMessage(EventId = 101, EventName = "operation.unreadable", Level = LogLevel.Error, Message = "{Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(EventId = 103, EventName = "operation.waits", Level = LogLevel.Warning, Message = "operation {Id} was cut short and can't be finished yet: {Reason}")]
    private partial void LogNotYet(Guid id, string reason);
}
