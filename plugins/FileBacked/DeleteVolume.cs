using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Deletes a volume of ours that has no snapshots and is not open.</summary>
internal sealed class DeleteVolume(FilePool pool, VolumeDirectory volume) : StorageStep
{
    public override string Title => $"delete {volume.Subject}";

    public override StepEffect Expected { get; }
        = FindBare(volume) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"all data of {volume.Subject}");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync(Title, cancellationToken);
        bool unfinished = volume.RemoveUnfinished(context.Request.Id);
        if (FindBare(volume) is not VolumeRecord record)
        {
            return unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        VolumeOrigin? origin = volume.Origin();
        using (pool.Images.Claim(volume, record.Id))
        {
            volume.Remove(context.Request.Id);
        }

        pool.SettleRoom(origin);
        pool.Space.Forget();
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => volume.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, volume.Subject, "was deleted and can't be brought back");

    private static VolumeRecord? FindBare(VolumeDirectory volume)
    {
        VolumeRecord? record = volume.FindOurs();
        return record is not null && SnapshotDirectory.Of(volume).FirstOrDefault() is SnapshotDirectory snapshot
            ? throw new StorageException(StorageErrorKind.Busy, volume.Subject, $"has the snapshot {snapshot.Name}: delete its snapshots first")
            : record;
    }
}
