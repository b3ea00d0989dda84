using EveStorage.Cli.Api;
using EveStorage.Host.Locks;

namespace EveStorage.Host.Operations;

/// <summary>
/// What operations claim although no process runs them: one that was cut short and could not be finished yet, and one that
/// needs a person. A lock can't say so, since it is gone with its process.
/// </summary>
internal sealed class OperationClaims(Journal journal, ChangePlanners planners)
{
    /// <summary>Refuses a request for what such an operation claims. Who needs a person may be asked for again, as its message says.</summary>
    /// <exception cref="StorageException">One does; the message has the command to run.</exception>
    internal void RequireNone(ChangeRequest request, Func<Guid, bool> runsHere)
    {
        HashSet<string> wanted = ClaimsOf(request, Guid.Empty);
        IReadOnlyList<OperationDocument> known = journal.ReadOpen();
        if (known.Any(document => document.Operation.State == OperationState.NeedsAttention))
        {
            known = journal.ReadAll();   // one of those that ended since may have done it again
        }

        IReadOnlyList<OperationReport> all = [.. known.Select(document => document.Operation)];
        foreach (OperationReport other in all.Where(other => other.Request.Scope == request.Scope && ClaimsOf(other.Request, other.Id).Overlaps(wanted)))
        {
            if (other.State.IsUnderWay() && !runsHere(other.Id) && IsAbandoned(other.Id))
            {
                throw new StorageException(
                    StorageErrorKind.Busy, request.Subject,
                    $"belongs to operation {other.Id}, which was cut short and not finished yet: see `evestorage doctor`");
            }

            if (NeedsPerson(other, all) && !AreSame(other.Request, request))
            {
                throw new StorageException(
                    StorageErrorKind.NeedsAttention, request.Subject,
                    $"takes no changes since operation {other.Id} could not be undone: see `evestorage operation show {other.Id}`, and when it is well, `evestorage operation clear {other.Id}`");
            }
        }
    }

    /// <summary>Whether no process runs an operation.</summary>
    internal bool IsAbandoned(Guid operation)
    {
        using HeldLock? own = journal.TryOwn(operation);
        return own is not null;
    }

    /// <summary>Whether a person still has to look at an operation: it was not cleared, and not done again since.</summary>
    internal static bool NeedsPerson(OperationReport operation, IEnumerable<OperationReport> all)
        => operation.State == OperationState.NeedsAttention
            && !all.Any(later => later.Started > operation.Started && later.State == OperationState.Succeeded && AreSame(later.Request, operation.Request));

    private static bool AreSame(ChangeRequest one, ChangeRequest other) => one.GetType() == other.GetType() && one.Subject == other.Subject;

    // What changes a pool as a whole keeps out its like; a volume in it has a lock and a life of its own.
    private HashSet<string> ClaimsOf(ChangeRequest request, Guid operation)
    {
        HashSet<string> names = [.. planners.For(request).Owns(request, operation).Select(name => $"{name}")];
        return names.Count > 0 ? names : [request.Scope is null ? request.Subject : $"pool:{request.Scope}"];
    }
}
