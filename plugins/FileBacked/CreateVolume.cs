using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Creates a volume of one file. One of ours that is there with the same size is left alone.</summary>
internal sealed class CreateVolume(FilePool pool, VolumeDirectory volume, ByteSize size, VolumeLayout layout, IReadOnlyList<LayerRecord> layers) : StorageStep
{
    public override string Title => $"create {volume.Subject} of {size}{(layout.Preallocated ? ", all of it now" : "")}";

    // Planning looks, so that a conflict refuses the plan and not its third step.
    public override StepEffect Expected { get; } = FindSame(volume, size) is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (FindSame(volume, size) is VolumeRecord existing)
        {
            return existing.Mark.OutcomeFor(context);
        }

        VolumeRecord record = new() { Id = context.IdOf(volume.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = layers };
        string temporary = volume.Build(layout, record, image =>
        {
            if (layout.Preallocated)
            {
                if (!layout.Compressed)
                {
                    FileSystem.WriteInPlace(image);   // else what is written a second time needs room that it has not
                }

                using SpaceClaim claim = pool.Space.Claim(size.Bytes, volume.Subject);
                image.Allocate(0, size.Bytes);
            }

            image.SetLength(size.Bytes);
        });
        using FileLock held = await pool.LockAsync(Title, cancellationToken);
        DurableFile.Publish(temporary, volume.Path);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => await RemoveMadeAsync(pool, volume, context, $"undo: {Title}", cancellationToken);

    /// <summary>Removes the volume if this operation made it, and what it left unfinished of it.</summary>
    internal static async ValueTask RemoveMadeAsync(
        FilePool pool, VolumeDirectory volume, OperationContext context, string title, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync(title, cancellationToken);
        volume.RemoveUnfinished(context.Request.Id);
        if (volume.Find()?.Mark == context.Mark)
        {
            VolumeOrigin? origin = volume.Origin();
            volume.Remove(context.Request.Id);
            pool.SettleRoom(origin);
        }

        pool.Space.Forget();
    }

    private static VolumeRecord? FindSame(VolumeDirectory volume, ByteSize size)
    {
        if (volume.FindOurs() is not VolumeRecord record)
        {
            return null;
        }

        ByteSize there = new(volume.Look().Length);
        return there == size ? record : throw new StorageException(StorageErrorKind.Conflict, volume.Subject, $"exists with {there}, not {size}");
    }
}
