using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Makes a volume, with an id of its own, that starts as a snapshot.</summary>
internal sealed class CloneVolume(FilePool pool, SnapshotDirectory snapshot, VolumeDirectory clone) : StorageStep
{
    public override string Title => $"clone {snapshot.Subject} as {clone.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (clone.FindOurs() is VolumeRecord there)
        {
            return there.Mark == context.Mark
                ? StepOutcome.Changed
                : throw new StorageException(StorageErrorKind.Conflict, clone.Subject, "is there: choose another name");
        }

        snapshot.Require();
        IReadOnlyList<LayerRecord> layers = snapshot.Volume.Find()?.Layers ?? [];
        VolumeLayout layout = new(Documents.Format, Preallocated: false, snapshot.Volume.Layout().Compressed);
        VolumeRecord record = new() { Id = context.IdOf(clone.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = layers };
        VolumeOrigin? origin = snapshot.Volume.RoomKeeper();
        string temporary;
        using (BlockFile source = BlockFile.Open(snapshot.Image, writable: false, snapshot.Subject))
        {
            temporary = clone.Build(layout, record, image => ImageCopy.Make(pool, source, image, Title, context, cancellationToken));
        }

        if (origin is not null)
        {
            Documents.Write(VolumeDirectory.OriginIn(temporary), origin, FileJson.Default.VolumeOrigin);
        }

        using FileLock held = await pool.LockAsync(Title, cancellationToken);
        DurableFile.Publish(temporary, clone.Path);
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => CreateVolume.RemoveMadeAsync(pool, clone, context, $"undo: {Title}", cancellationToken);
}
