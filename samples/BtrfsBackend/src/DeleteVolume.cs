using EveStorage;

namespace Samples.Btrfs;

/// <summary>Deletes a volume of ours that has no snapshots and is not open.</summary>
internal sealed class DeleteVolume(BtrfsPool pool, VolumePlace volume) : StorageStep
{
    public override string Title => $"delete {volume.Subject}";

    public override StepEffect Expected { get; } = FindBare(volume) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"all data of {volume.Subject}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = volume.RemoveUnfinished(context.Request.Id);
        if (FindBare(volume) is not VolumeRecord record)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        using (pool.Open.Claim(volume, record.Id))
        {
            volume.Remove(context.Request.Id);
        }

        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => volume.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, volume.Subject, "was deleted and can't be brought back");

    private static VolumeRecord? FindBare(VolumePlace volume)
    {
        VolumeRecord? record = volume.FindOurs();
        return record is not null && SnapshotPlace.Of(volume) is [SnapshotPlace snapshot, ..]
            ? throw new StorageException(StorageErrorKind.Busy, volume.Subject, $"has the snapshot {snapshot.Name}: delete its snapshots first")
            : record;
    }
}
