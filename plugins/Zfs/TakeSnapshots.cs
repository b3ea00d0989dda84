namespace EveStorage.Zfs;

/// <summary>Freezes volumes, all in one transaction of ZFS's and so at one moment, with their ids and the operation's mark. Who writes to them goes on.</summary>
internal sealed class TakeSnapshots(ZfsPool pool, IReadOnlyList<SnapshotName> snapshots) : StorageStep
{
    // The ids are one property, which has 8191 characters, and each takes 66.
    private const int MostAtOnce = 120;

    public override string Title => $"snapshot {string.Join(", ", snapshots.Select(snapshot => $"{pool.Name}/{snapshot}"))}{(snapshots.Count > 1 ? " at one moment" : "")}";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">A name is taken, or there are too many.</exception>
    internal static async Task<TakeSnapshots> PlanAsync(ZfsPool pool, IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
    {
        if (snapshots.Count > MostAtOnce)
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{pool.Name}", $"takes {MostAtOnce} snapshots at one moment, and not {snapshots.Count}");
        }

        RequireFree(pool, await pool.Zpool.ListAsync(cancellationToken), snapshots, null);
        return new(pool, snapshots);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<Dataset> all = await pool.Zpool.ListAsync(cancellationToken);
        if (snapshots.All(snapshot => ZfsPool.SnapshotIn(all, snapshot)?.SnapshotMark == context.Mark))
        {
            return StepOutcome.Changed;
        }

        RequireFree(pool, all, snapshots, context.Mark);
        Dataset[] volumes = [.. snapshots.Select(snapshot => pool.OursIn(all, snapshot.Volume)
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(snapshot.Volume), "there is no such volume"))];
        string ids = string.Join(',', snapshots.Zip(volumes, (snapshot, volume) => $"{volume.Id:N}={context.IdOf(snapshot):N}"));
        await pool.Zpool.Tools.ZfsAsync(
            string.Join(", ", snapshots.Select(snapshot => $"{pool.Name}/{snapshot}")),
            [
                "snapshot", .. Property.Words(Property.SnapshotIds, ids), .. Property.Words(Property.SnapshotOperation, context.Request.Id),
                .. Property.Words(Property.SnapshotCreated, context.Time.GetUtcNow().ToUnixTimeMilliseconds()), .. snapshots.Select(pool.Zpool.DatasetOf),
            ],
            cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        IReadOnlyList<Dataset> all = await pool.Zpool.ListAsync(cancellationToken);
        foreach (Dataset taken in snapshots.Select(snapshot => ZfsPool.SnapshotIn(all, snapshot)).OfType<Dataset>().Where(taken => taken.SnapshotMark == context.Mark))
        {
            await DeleteSnapshot.DestroyAsync(pool, taken, cancellationToken);
        }
    }

    private static void RequireFree(ZfsPool pool, IReadOnlyList<Dataset> all, IReadOnlyList<SnapshotName> snapshots, OwnerMark? ours)
    {
        string? taken = snapshots.Select(pool.Zpool.DatasetOf).FirstOrDefault(name => all.Any(dataset => dataset.Name == name && (ours is null || dataset.SnapshotMark != ours)));
        if (taken is not null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{taken[(taken.LastIndexOf('/') + 1)..]}", "is there: choose another name");
        }
    }
}
