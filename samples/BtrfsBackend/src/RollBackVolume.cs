using EveStorage;

namespace Samples.Btrfs;

/// <summary>
/// Makes a volume what a snapshot froze: a writable snapshot of that takes the place of its data in one act, and what was there is
/// removed. The snapshot stays.
/// </summary>
internal sealed class RollBackVolume(BtrfsPool pool, SnapshotPlace snapshot) : StorageStep
{
    private readonly VolumePlace _volume = snapshot.Volume;

    public override string Title => $"roll {_volume.Subject} back to {snapshot.Name}";

    public override StepEffect Expected => StepEffect.Destroys($"what was written to {_volume.Subject} since {snapshot.Name}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord record = _volume.Require();
        snapshot.Require();
        string temporary = PoolPlace.Temporary(_volume.Data, context.Request.Id);
        if (!IsDone(context))
        {
            using IDisposable claim = pool.Open.Claim(_volume, record.Id);
            Subvolume.RemoveIfThere(temporary);
            Subvolume.Snapshot(snapshot.Data, temporary, isReadOnly: false);
            if (_volume.Settings().Quota is long quota)
            {
                Subvolume.Limit(temporary, new(quota));   // a limit is of a subvolume, and this is another
            }

            _volume.Note(context.Request.Id);
            Subvolume.Exchange(temporary, _volume.Data);
            Documents.Flush(_volume.Path);
        }

        Subvolume.RemoveIfThere(temporary);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Subvolume.RemoveIfThere(PoolPlace.Temporary(_volume.Data, context.Request.Id));
        return IsDone(context)
            ? throw new StorageException(StorageErrorKind.NeedsAttention, _volume.Subject, $"was rolled back to {snapshot.Name}, and what it was is gone")
            : ValueTask.CompletedTask;
    }

    // The data has another subvolume's id than the note of this operation says.
    private bool IsDone(OperationContext context)
        => _volume.Find() is not null && _volume.Note() is ChangeNote note && note.Operation == context.Request.Id && Subvolume.IdOf(_volume.Data) != note.FromData;
}
