using EveStorage;

namespace Samples.Btrfs;

/// <summary>Freezes a volume, which may be open and written meanwhile.</summary>
internal sealed class TakeSnapshot(SnapshotPlace snapshot) : StorageStep
{
    public override string Title => $"take {snapshot.Subject}";

    public override StepEffect Expected { get; } = snapshot.Find() is null ? StepEffect.Change : throw Taken(snapshot);

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (snapshot.Find() is SnapshotMark there)
        {
            return there.Mark == context.Mark ? new(StepOutcome.Changed) : throw Taken(snapshot);
        }

        snapshot.Volume.Require();
        snapshot.Take(new(Documents.Format, context.IdOf(snapshot.Name), context.Mark, context.Time.GetUtcNow()));
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        snapshot.RemoveUnfinished(context.Request.Id);
        if (snapshot.Find()?.Mark == context.Mark)
        {
            snapshot.Remove(context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }

    private static StorageException Taken(SnapshotPlace snapshot) => new(StorageErrorKind.Conflict, snapshot.Subject, "is there: choose another name");
}
