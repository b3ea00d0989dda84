namespace EveStorage.Zfs;

/// <summary>Makes a thin volume or file system, with an id of its own, that starts as a snapshot. ZFS keeps the snapshot as long as the clone needs it, whether we list it or not.</summary>
internal sealed class CloneVolume(ZfsPool pool, SnapshotName snapshot, VolumeName clone) : StorageStep
{
    public override string Title => $"clone {pool.Name}/{snapshot} as {clone}";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it. The snapshot need not be there: an earlier step of the same plan may take it.</summary>
    /// <exception cref="StorageException">What has that name is not ours.</exception>
    internal static async Task<CloneVolume> PlanAsync(ZfsPool pool, SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
    {
        pool.OursIn(await pool.Zpool.ListAsync(clone, cancellationToken), clone);
        return new(pool, snapshot, clone);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<Dataset> found = await pool.Zpool.ListAsync(snapshot.Volume, cancellationToken);
        Dataset frozen = ZfsPool.SnapshotIn(found, snapshot)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{snapshot}", "there is no such snapshot");
        Dataset source = pool.OursIn(found, snapshot.Volume)!;
        if (pool.OursIn(await pool.Zpool.ListAsync(clone, cancellationToken), clone) is not Dataset there)
        {
            VolumeRecord of = await pool.Journal.FindAsync(snapshot.Volume, cancellationToken)
                ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(snapshot.Volume), "there is no such volume");
            VolumeRecord record = new() { Id = context.IdOf(clone), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = of.Layers };
            string[] verb = source.Form == VolumeForm.FileSystem ? ["clone", .. FileSystemWords.Of(source.Size, quota: null, reservation: null, source.Compression)] : ["clone"];
            await MadeVolume.MakeAsync(pool, clone, record, verb, [pool.Zpool.DatasetOf(snapshot)], context, cancellationToken);
        }
        else if (there.Mark != context.Mark)
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(clone), "is there: choose another name");
        }

        await pool.RequireReadyAsync(clone, source.Form, frozen.Size, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        await MadeVolume.RemoveAsync(pool, clone, context, cancellationToken);
    }
}
