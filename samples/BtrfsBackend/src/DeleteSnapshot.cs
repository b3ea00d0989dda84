using EveStorage;

namespace Samples.Btrfs;

/// <summary>Removes a snapshot of ours. Clones of it have its blocks, and stay.</summary>
internal sealed class DeleteSnapshot(SnapshotPlace snapshot) : StorageStep
{
    public override string Title => $"delete {snapshot.Subject}";

    public override StepEffect Expected { get; } = snapshot.Find() is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the snapshot {snapshot.Subject}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = snapshot.RemoveUnfinished(context.Request.Id);
        if (snapshot.Find() is null)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        snapshot.Remove(context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => snapshot.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, snapshot.Subject, "was deleted and can't be brought back");
}
