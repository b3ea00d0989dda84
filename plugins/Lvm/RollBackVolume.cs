namespace EveStorage.Lvm;

/// <summary>
/// Makes a volume what a snapshot froze: a thin snapshot of the snapshot is made ready beside it, with the volume's id, and
/// takes its name; what it was is then removed. The snapshot stays, and so do the volume's id and record. Between the two
/// renames the name is nobody's: their tags say what is missing, to this step run again, undone, or to opening the pool.
/// </summary>
internal sealed class RollBackVolume(LvmThinPool pool, SnapshotName snapshot) : StorageStep
{
    private readonly VolumeName _volume = snapshot.Volume;

    public override string Title => $"roll {pool.Subject(_volume)} back to {snapshot}";

    public override StepEffect Expected { get; } = StepEffect.Destroys($"what was written to {pool.Name}/{snapshot.Volume} since {snapshot}");

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: the volume is open.</exception>
    internal static async Task<RollBackVolume> PlanAsync(LvmThinPool pool, SnapshotName snapshot, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        pool.OursIn(all, snapshot.Volume);
        return new(pool, snapshot);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListAsync(cancellationToken);
        Guid operation = context.Request.Id;
        string name = LvName.Of(_volume);
        LogicalVolume? current = pool.OursIn(all, _volume);
        if (current?.Tags.Rolled != Rolled(operation))
        {
            if (Named(all, LvName.Outgoing(operation)) is null)
            {
                LogicalVolume volume = current is { Tags: { Id: not null, Making: null } }
                    ? current
                    : throw new StorageException(StorageErrorKind.NotFound, pool.Subject(_volume), "there is no such volume");
                await PutAsideAsync(all, volume, operation, cancellationToken);
            }

            await pool.Group.RenameAsync(LvName.Incoming(operation), name, cancellationToken);
        }

        await FinishAsync(pool, name, operation, context.Time, cancellationToken);
        await pool.Group.Tools.Mapper.RequireNodeAsync(pool.Group.DeviceOf(name), pool.Subject(_volume), cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        Guid operation = context.Request.Id;
        string name = LvName.Of(_volume);
        if (Named(all, name) is { } there && there.Tags.Rolled == Rolled(operation))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Subject(_volume), $"was rolled back to {snapshot}, and what it was is gone");
        }

        if (Named(all, LvName.Outgoing(operation)) is not null)
        {
            await pool.Group.RenameAsync(LvName.Outgoing(operation), name, cancellationToken);
        }

        if (Named(all, LvName.Incoming(operation)) is not null)
        {
            await pool.Group.RemoveAsync(LvName.Incoming(operation), Making(operation), context.Time, cancellationToken);
        }

        if (Named(await pool.Group.ListAsync(cancellationToken), name) is LogicalVolume back && (back.Tags.Replaced == operation || !back.IsActive))
        {
            await pool.Group.ChangeAsync(name, ["--deltag", LvTags.Tag("replaced", operation)], cancellationToken);
            await pool.Group.ChangeAsync(name, ["--activate", "y"], cancellationToken);
        }
    }

    /// <summary>Completes a rollback of which the name was given back, or was about to be, when a crash cut it short.</summary>
    internal static async Task FinishAsync(LvmThinPool pool, string name, Guid operation, TimeProvider time, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (Named(all, name) is { Tags.Making: Guid by } && by == operation)
        {
            await pool.Group.ChangeAsync(name, ["--deltag", Making(operation)], cancellationToken);
        }

        await pool.Group.ChangeAsync(name, ["--activate", "y"], cancellationToken);
        if (Named(all, LvName.Outgoing(operation)) is not null)
        {
            await pool.Group.RemoveAsync(LvName.Outgoing(operation), LvTags.Tag("replaced", operation), time, cancellationToken);
        }
    }

    private async Task PutAsideAsync(IReadOnlyList<LogicalVolume> all, LogicalVolume volume, Guid operation, CancellationToken cancellationToken)
    {
        LogicalVolume frozen = pool.RequireSnapshotIn(all, snapshot);
        if (volume.IsOpen)
        {
            throw pool.Group.Busy(volume.Name, "roll back");
        }

        if (Named(all, LvName.Incoming(operation)) is null)
        {
            pool.RequireRoom(all, new(0), pool.Subject(_volume));
            string[] tags =
            [
                .. LvTags.New(volume.Tags.Mark!.Value.Operation, volume.Tags.Id!.Value), Making(operation), LvTags.Tag("rolled", Rolled(operation)),
            ];
            await pool.Group.CreateAsync(
                [
                    "--snapshot", "--name", LvName.Incoming(operation), "--permission", "rw", "--setactivationskip", "n", "--activate", "n",
                    .. MadeVolume.TagWords(tags), pool.Group.Subject(frozen.Name),
                ],
                cancellationToken);
        }

        await pool.Group.DeactivateAsync(volume.Name, "roll back", cancellationToken);
        await pool.Group.ChangeAsync(volume.Name, ["--addtag", LvTags.Tag("replaced", operation)], cancellationToken);
        await pool.Group.RenameAsync(volume.Name, LvName.Outgoing(operation), cancellationToken);
    }

    private string Rolled(Guid operation) => $"{operation}:{snapshot.Label}";

    private static string Making(Guid operation) => LvTags.Tag("making", operation);

    private static LogicalVolume? Named(IReadOnlyList<LogicalVolume> all, string name) => all.FirstOrDefault(lv => lv.Name == name);
}
