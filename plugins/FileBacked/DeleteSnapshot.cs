using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Removes a snapshot of ours.</summary>
internal sealed class DeleteSnapshot(FilePool pool, SnapshotDirectory snapshot) : StorageStep
{
    public override string Title => $"delete {snapshot.Subject}";

    public override StepEffect Expected { get; }
        = snapshot.FindOurs() is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the snapshot {snapshot.Subject}");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync(Title, cancellationToken);
        bool unfinished = snapshot.RemoveUnfinished(context.Request.Id);
        bool there = snapshot.FindOurs() is not null;
        if (there)
        {
            snapshot.Remove(context.Request.Id);
        }

        pool.SettleRoom(snapshot.Volume.RoomKeeper());
        pool.Space.Forget();
        return there || unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => snapshot.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, snapshot.Subject, "was deleted and can't be brought back");
}
