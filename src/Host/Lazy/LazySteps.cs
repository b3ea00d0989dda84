namespace EveStorage.Host.Lazy;

/// <summary>Writes the map of a volume that this operation makes.</summary>
internal sealed class WriteMap(IStoragePool pool, VolumeName volume, VolumeAccess blocks, VolumeName map, VolumeAccess place, Func<Guid, ByteSize, ImageNote> noteOf) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"note that nothing of {pool.Name}/{volume} is copied yet";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if ((await pool.Records.FindAsync(map, cancellationToken))?.Mark != context.Mark || await pool.Records.FindAsync(volume, cancellationToken) is not VolumeRecord record || record.Mark != context.Mark)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{volume}", "was not made by this operation");
        }

        await using IBlockSource opened = await blocks.OpenBlocksAsync!(BlockAccess.Read, cancellationToken);
        await using MapStore store = new(await place.OpenBlocksAsync!(BlockAccess.ReadWrite, cancellationToken), $"{pool.Name}/{volume}");
        await store.CreateAsync(noteOf(record.Id, opened.Size), cancellationToken);
        return StepOutcome.Changed;
    }

    /// <summary>Nothing: the map goes with the step that made its volume.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}

/// <summary>Takes a volume up whose image is to be copied.</summary>
internal sealed class TakeUpVolume(LazyVolumes lazy, IStoragePool pool, VolumeName volume, string image) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"begin to copy {image} behind {pool.Name}/{volume}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await lazy.TakeUpAsync(pool, volume, cancellationToken);
        return StepOutcome.Changed;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Records.FindAsync(volume, cancellationToken) is VolumeRecord record && record.Mark == context.Mark)
        {
            await lazy.LetGoAsync(record.Id);
        }
    }
}

/// <summary>Lets go of a volume whose image is being copied.</summary>
internal sealed class LetGoOfVolume(LazyVolumes lazy, IStoragePool pool, VolumeName volume, Guid id) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"copy no more of the image of {pool.Name}/{volume}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await lazy.LetGoAsync(id);
        return StepOutcome.Changed;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => await lazy.TakeUpAsync(pool, volume, cancellationToken);
}

/// <summary>Makes a volume an ordinary one, of whose image all is copied. From then on its map says nothing any more.</summary>
internal sealed class MakeOrdinary(IStoragePool pool, VolumeName volume) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"note that all of {pool.Name}/{volume} is copied";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Records.FindAsync(volume, cancellationToken) is VolumeRecord record && ImageLayer.IsIn(record))
        {
            await pool.Records.ReplaceAsync(volume, record with { Layers = ImageLayer.Others(record.Layers) }, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    /// <summary>Puts it back as long as the map is there: what is done with it is then done another time.</summary>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Records.FindAsync(volume, cancellationToken) is VolumeRecord record && !ImageLayer.IsIn(record)
            && await pool.Records.FindAsync(ImageLayer.MapOf(record), cancellationToken) is not null)
        {
            await pool.Records.ReplaceAsync(volume, record with { Layers = [.. record.Layers, ImageLayer.Record] }, cancellationToken);
        }
    }
}

/// <summary>Lets go of a volume that has become an ordinary one: who asks for a change of it next finds it closed, where nobody uses it.</summary>
internal sealed class ForgetVolume(LazyVolumes lazy, IStoragePool pool, VolumeName volume, Guid id) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"let go of the image of {pool.Name}/{volume}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await lazy.ForgetAsync(id);
        return StepOutcome.Changed;
    }

    /// <summary>Nothing: no step comes after it.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
