namespace EveStorage.Lvm;

/// <summary>Deletes a volume of ours that has no snapshots and is not open. Its record's slot is free from then on.</summary>
internal sealed class DeleteVolume(LvmPool pool, VolumeName name, StepEffect expected) : StorageStep
{
    public override string Title => $"delete {pool.Subject(name)}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or has snapshots.</exception>
    internal static async Task<DeleteVolume> PlanAsync(LvmPool pool, VolumeName name, CancellationToken cancellationToken)
        => new(pool, name, FindBare(pool, await pool.Group.ListCommittedAsync(cancellationToken), name) is null
            ? StepEffect.AlreadySo
            : StepEffect.Destroys($"all data of {pool.Subject(name)}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (FindBare(pool, await pool.Group.ListCommittedAsync(cancellationToken), name) is not LogicalVolume found)
        {
            return StepOutcome.AlreadySo;
        }

        await pool.Group.RemoveAsync(found.Name, LvTags.Owner, context.Time, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (pool.OursIn(await pool.Group.ListCommittedAsync(cancellationToken), name) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Subject(name), "was deleted and can't be brought back");
        }
    }

    private static LogicalVolume? FindBare(LvmPool pool, IReadOnlyList<LogicalVolume> all, VolumeName name)
    {
        LogicalVolume? found = pool.OursIn(all, name);
        return found is not null && LvmPool.SnapshotsIn(all, found.Tags.Id) is [LogicalVolume snapshot, ..]
            ? throw new StorageException(StorageErrorKind.Busy, pool.Subject(name), $"has the snapshot {name}@{snapshot.Tags.Label}: delete its snapshots first")
            : found;
    }
}
