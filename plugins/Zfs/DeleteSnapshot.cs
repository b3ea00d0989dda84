namespace EveStorage.Zfs;

/// <summary>
/// Removes a snapshot of ours. One that clones were made of gives its name back at once and is listed no more; ZFS keeps what the
/// clones need of it, and removes it with the last of them.
/// </summary>
internal sealed class DeleteSnapshot(ZfsPool pool, SnapshotName snapshot, StepEffect expected) : StorageStep
{
    public override string Title => $"delete {pool.Name}/{snapshot}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    internal static async Task<DeleteSnapshot> PlanAsync(ZfsPool pool, SnapshotName snapshot, CancellationToken cancellationToken)
        => new(pool, snapshot, ZfsPool.SnapshotIn(await pool.Zpool.ListAsync(snapshot.Volume, cancellationToken), snapshot) is null
            ? StepEffect.AlreadySo
            : StepEffect.Destroys($"the snapshot {pool.Name}/{snapshot}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (ZfsPool.SnapshotIn(await pool.Zpool.ListAsync(snapshot.Volume, cancellationToken), snapshot) is not Dataset found)
        {
            return StepOutcome.AlreadySo;
        }

        await DestroyAsync(pool, found, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (ZfsPool.SnapshotIn(await pool.Zpool.ListAsync(snapshot.Volume, cancellationToken), snapshot) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}/{snapshot}", "was deleted and can't be brought back");
        }
    }

    /// <summary>Destroys it, now or with the last of its clones.</summary>
    internal static async Task DestroyAsync(ZfsPool pool, Dataset found, CancellationToken cancellationToken)
    {
        string name = found.Name;
        if (found.Clones.Count > 0)
        {
            // No name of a snapshot begins so: it is nobody's from here on, also when a crash comes before the next line.
            name = $"{found.Of}@_{found.SnapshotId:N}";
            await pool.Zpool.Tools.ZfsAsync($"{pool.Name}/{found.Leaf}", ["rename", found.Name, name], cancellationToken);
        }

        await Zpool.WhenNotBusyAsync(
            () => pool.Zpool.Tools.ZfsAsync($"{pool.Name}/{found.Leaf}", ["destroy", "-d", name], cancellationToken), pool.Options.BusyTimeout, pool.Services.Time, cancellationToken);
    }
}
