using EveStorage.Host.Api;
using EveStorage.Host.Locks;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Operations;

/// <summary>What a crash cut short is planned anew from its request: the steps it had are gone with their process.</summary>
internal sealed partial class OperationRunner
{
    /// <summary>Finishes or undoes every operation that no process runs any more.</summary>
    internal async Task RecoverAsync(CancellationToken cancellationToken)
    {
        foreach (OperationDocument document in tools.Journal.ReadAll(e => LogUnreadable(e.Message)).Where(document => document.Operation.State == OperationState.Running))
        {
            using HeldLock? own = tools.Journal.TryOwn(document.Operation.Id);

            // Its process may have ended it between our reading and its letting go.
            if (own is not null && tools.Journal.Read(document.Operation.Id) is { Operation.State: OperationState.Running } abandoned)
            {
                await RecoverAsync(abandoned, cancellationToken);
            }
        }

        tools.Journal.Trim();
    }

    private async Task RecoverAsync(OperationDocument document, CancellationToken cancellationToken)
    {
        ChangeRequest request = document.Operation.Request;
        IChangePlanner planner = tools.Planners.For(request);
        using RunningOperation running = new(document, tools.Journal, time);
        IReadOnlyList<HeldLock> names = [];
        try
        {
            names = await tools.Locks.TakeNamesAsync(request.Pool, planner.Owns(request, running.Id), $"recovery of operation {running.Id}", cancellationToken);
            PlanningContext context = ContextOf(document.ToRequest(), null, true, static (_, _) => { });
            Plan? plan = planner.AfterCrash == Recovery.Redo
                ? await planner.PlanAsync(request, context, cancellationToken)
                : await planner.PlanUndoAsync(request, context, cancellationToken);
            if (planner.AfterCrash == Recovery.Redo)
            {
                running.Update(report => report with { Steps = StepsOf(plan!) });
                End(running, await RunAsync(running, plan!, cancellationToken));
            }
            else
            {
                await tools.Plans.UndoAsync(RunOf(running, plan ?? Plan.Of()));
                End(running, report => plan is null ? report with { State = OperationState.Succeeded } : Failed(report, CutShort(request)));
            }
        }
        catch (StorageException e)
        {
            if (e is not PlanFailedException && await MayStillEndAsync(request, e))
            {
                LogNotYet(running.Id, e.Message);
                return;
            }

            End(running, report => Failed(report, e));
        }
        finally
        {
            foreach (HeldLock name in names)
            {
                name.Dispose();
            }
        }
    }

    // Not while its pool can't be opened (a drive that is not there yet), or somebody else has its volume.
    private async Task<bool> MayStillEndAsync(ChangeRequest request, StorageException e)
    {
        try
        {
            return e.Kind is StorageErrorKind.Busy or StorageErrorKind.Unavailable or StorageErrorKind.Io
                || (request is not (CreatePool or DeletePool) && await tools.Pools.TryOpenAsync(request.Pool, CancellationToken.None) is null);
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
