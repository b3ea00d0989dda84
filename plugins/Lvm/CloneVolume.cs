namespace EveStorage.Lvm;

/// <summary>Makes a thin volume, with an id of its own, that starts as a snapshot: its record first, then LVM's own act.</summary>
internal sealed class CloneVolume(LvmThinPool pool, SnapshotName snapshot, VolumeName clone) : StorageStep
{
    public override string Title => $"clone {pool.Name}/{snapshot} as {clone}";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it. The snapshot need not be there: an earlier step of the same plan may take it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or there is no room.</exception>
    internal static async Task<CloneVolume> PlanAsync(LvmThinPool pool, SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (pool.OursIn(all, clone) is null)   // what a crash left has its room already
        {
            pool.RequireRoom(all, LvmThinPool.SnapshotIn(all, snapshot)?.Size ?? new(0), pool.Subject(clone));
        }

        return new(pool, snapshot, clone);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await ThinPoolRoom.ListAsync(pool, cancellationToken);
        if (pool.OursIn(all, clone) is LogicalVolume there)
        {
            return there.Tags.Mark == context.Mark
                ? StepOutcome.Changed
                : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(clone), "is there: choose another name");
        }

        LogicalVolume frozen = pool.RequireSnapshotIn(all, snapshot);
        pool.RequireRoom(all, frozen.Size, pool.Subject(clone));
        Guid id = context.IdOf(clone);
        VolumeRecord source = pool.Journal.Read(frozen.Tags.Of!.Value, pool.Subject(snapshot.Volume));
        pool.Journal.Write(new() { Id = id, Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = source.Layers }, pool.Subject(clone), all);
        await pool.Group.CreateAsync(
            [
                "--snapshot", "--name", LvName.Of(clone), "--permission", "rw", "--setactivationskip", "n", "--activate", "y",
                .. MadeVolume.TagWords(LvTags.New(context.Request.Id, id)), pool.Group.Subject(frozen.Name),
            ],
            cancellationToken);
        await pool.RequireReadyAsync(clone, frozen.Size, cancellationToken);
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => MadeVolume.RemoveAsync(pool, clone, context, $"undo: {Title}", cancellationToken);
}
