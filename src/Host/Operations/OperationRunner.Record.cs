using EveStorage.Cli.Api;
using EveStorage.Host.Locks;

namespace EveStorage.Host.Operations;

/// <summary>What runs here and what is on record: looked at, stopped, cleared.</summary>
internal sealed partial class OperationRunner
{
    /// <summary>Operations that run here, and those that are on record.</summary>
    internal IReadOnlyList<OperationReport> List()
        => [.. tools.Journal.ReadAll().Select(document => document.Operation).Select(
            read => _running.TryGetValue(read.Id, out (RunningOperation Operation, Task) known) ? known.Operation.Current : read)];

    /// <summary>Whether an operation runs here that makes, ends, opens or closes a pool: who opens it meanwhile gets in its way.</summary>
    internal bool IsAtWholePool(PoolName pool)
        => _running.Values.Select(running => running.Operation.Current).Any(
            operation => operation.State.IsUnderWay() && operation.Request.Scope == pool && operation.Request is (CreatePool or DeletePool or LockPool or UnlockPool or RekeyPool));

    /// <summary>One operation.</summary>
    internal OperationReport Get(Guid id)
        => _running.TryGetValue(id, out (RunningOperation Operation, Task) known) ? known.Operation.Current : tools.Journal.Read(id).Operation;

    /// <summary>One operation as it changes, to its end.</summary>
    internal IAsyncEnumerable<OperationReport> WatchAsync(Guid id, CancellationToken cancellationToken)
        => _running.TryGetValue(id, out (RunningOperation Operation, Task) known)
            ? known.Operation.WatchAsync(cancellationToken)
            : new[] { tools.Journal.Read(id).Operation }.ToAsyncEnumerable();

    /// <summary>Runs what this process asks for by itself, to its end.</summary>
    /// <exception cref="StorageException">It can't be done now.</exception>
    internal async Task RunOwnAsync(ChangeRequest request)
    {
        Guid id = await SubmitAsync(request, null, new Caller(Linux.FileOwner.Ours), CancellationToken.None);
        OperationReport ended = await WatchAsync(id, CancellationToken.None).LastAsync();
        if (ended.State != OperationState.Succeeded)
        {
            throw ended.Error?.ToException() ?? new StorageException(StorageErrorKind.Io, request.Subject, "was stopped");
        }
    }

    /// <summary>Asks an operation to stop; undoes one that was cut short and is kept.</summary>
    /// <exception cref="StorageException">It runs in another process.</exception>
    internal async Task CancelAsync(Guid id, CancellationToken cancellationToken)
    {
        if (_running.TryGetValue(id, out (RunningOperation Operation, Task) known))
        {
            known.Operation.Cancel();
        }
        else if (tools.Journal.Read(id) is { Operation.State: OperationState.Interrupted } kept)
        {
            await DropAsync(kept, cancellationToken);
        }
        else if (tools.Journal.Read(id).Operation.State.IsUnderWay())
        {
            throw _claims.IsAbandoned(id)
                ? new StorageException(StorageErrorKind.Busy, $"{id}", "was cut short and waits to be finished: see `evestorage doctor`")
                : new StorageException(StorageErrorKind.Busy, $"{id}", "runs in another process: stop it there");
        }
    }

    /// <summary>Notes that a person found all well after an operation that needed one, so that its volume takes changes again.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it needs nobody.</exception>
    internal void Clear(Guid id, Caller caller)
    {
        using HeldLock? own = tools.Journal.TryOwn(id);
        OperationDocument document = tools.Journal.Read(id);
        if (own is null || document.Operation.State != OperationState.NeedsAttention)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{id}", $"needs nobody: it is {document.Operation.State}");
        }

        tools.Journal.Write(document with { Operation = document.Operation with { State = OperationState.Cleared } });
        LogCleared(caller.UserId, id);
    }
}
