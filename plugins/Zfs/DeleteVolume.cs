namespace EveStorage.Zfs;

/// <summary>
/// Deletes a volume of ours that has no snapshots and is not open. Deleted snapshots that clones still need go over to the clone
/// that needs the newest of them, zfs-promote(8): nobody sees a difference but ZFS.
/// </summary>
internal sealed class DeleteVolume(ZfsPool pool, VolumeName name, StepEffect expected) : StorageStep
{
    public override string Title => $"delete {pool.Subject(name)}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or has snapshots.</exception>
    internal static async Task<DeleteVolume> PlanAsync(ZfsPool pool, VolumeName name, CancellationToken cancellationToken)
        => new(pool, name, FindBare(pool, await pool.Zpool.ListAsync(name, cancellationToken), name) is null
            ? StepEffect.AlreadySo
            : StepEffect.Destroys($"all data of {pool.Subject(name)}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<Dataset> found = await pool.Zpool.ListAsync(name, cancellationToken);
        if (FindBare(pool, found, name) is not Dataset volume)
        {
            return StepOutcome.AlreadySo;
        }

        if (found.Where(dataset => dataset.IsLeaving && dataset.Clones.Count > 0).MaxBy(dataset => dataset.Made) is Dataset needed)
        {
            if ((await OpenVolumes.AmongAsync(pool.Zpool, [volume.Name], cancellationToken)).Count > 0)
            {
                throw MadeVolume.Busy(volume.Name, "delete it");
            }

            await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), ["promote", needed.Clones[0]], cancellationToken);
        }

        await MadeVolume.RequireUnmountedAsync(pool, volume, context.Time, cancellationToken);

        await MadeVolume.DestroyAsync(pool.Zpool, volume.Name, pool.Options, context.Time, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (pool.OursIn(await pool.Zpool.ListAsync(name, cancellationToken), name) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Subject(name), "was deleted and can't be brought back");
        }
    }

    private static Dataset? FindBare(ZfsPool pool, IReadOnlyList<Dataset> found, VolumeName name)
    {
        Dataset? volume = pool.OursIn(found, name);
        if (found.FirstOrDefault(dataset => dataset.Name.StartsWith($"{volume?.Name}/", StringComparison.Ordinal)) is Dataset below)
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), $"has {below.Name} below it, which is not ours: it and the file system stay as they are");
        }

        return volume is null || found.FirstOrDefault(dataset => dataset.IsSnapshot && !dataset.IsLeaving) is not Dataset snapshot ? volume
            : snapshot.SnapshotId is not null ? throw new StorageException(StorageErrorKind.Busy, pool.Subject(name), $"has the snapshot {snapshot.Leaf}: delete its snapshots first")
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), $"has the snapshot {snapshot.Leaf}, which is not ours: it and the volume stay as they are");
    }
}
