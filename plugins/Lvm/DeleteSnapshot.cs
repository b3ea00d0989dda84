namespace EveStorage.Lvm;

/// <summary>Removes a snapshot of ours. Clones of it stay: they share blocks, and need no name of it.</summary>
internal sealed class DeleteSnapshot(LvmThinPool pool, SnapshotName snapshot, StepEffect expected) : StorageStep
{
    public override string Title => $"delete {pool.Name}/{snapshot}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    internal static async Task<DeleteSnapshot> PlanAsync(LvmThinPool pool, SnapshotName snapshot, CancellationToken cancellationToken)
        => new(pool, snapshot, LvmThinPool.SnapshotIn(await pool.Group.ListCommittedAsync(cancellationToken), snapshot) is null
            ? StepEffect.AlreadySo
            : StepEffect.Destroys($"the snapshot {pool.Name}/{snapshot}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (LvmThinPool.SnapshotIn(await pool.Group.ListCommittedAsync(cancellationToken), snapshot) is not LogicalVolume found)
        {
            return StepOutcome.AlreadySo;
        }

        await pool.Group.RemoveAsync(found.Name, LvTags.Owner, context.Time, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (LvmThinPool.SnapshotIn(await pool.Group.ListCommittedAsync(cancellationToken), snapshot) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}/{snapshot}", "was deleted and can't be brought back");
        }
    }
}
