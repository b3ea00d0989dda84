using EveStorage;

namespace Samples.Btrfs;

/// <summary>Makes a volume, with an id of its own, that starts as a snapshot.</summary>
internal sealed class CloneVolume(SnapshotPlace snapshot, VolumePlace clone) : StorageStep
{
    public override string Title => $"clone {snapshot.Subject} as {clone.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (clone.FindOurs() is VolumeRecord there)
        {
            return there.Mark == context.Mark
                ? new(StepOutcome.Changed)
                : throw new StorageException(StorageErrorKind.Conflict, clone.Subject, "is there: choose another name");
        }

        snapshot.Require();
        VolumeRecord source = snapshot.Volume.Require();
        VolumeRecord record = new() { Id = context.IdOf(clone.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = source.Layers };
        string temporary = clone.Build(record, snapshot.Volume.Settings() with { Thin = true, Quota = null }, data => Subvolume.Snapshot(snapshot.Data, data, isReadOnly: false));
        Documents.Publish(temporary, clone.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        CreateVolume.RemoveMade(clone, context);
        return ValueTask.CompletedTask;
    }
}
