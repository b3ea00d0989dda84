namespace EveStorage.Lvm;

/// <summary>
/// Makes a volume what a snapshot froze: a thin snapshot of the snapshot is made ready beside it, with the volume's id, and
/// takes its name; what it was is then removed. The snapshot stays, and so do the volume's id and record. Between the two
/// renames the name is nobody's: opening the pool gives it back to what was put aside, and this step runs again, or is undone.
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
        LogicalVolume? aside = Named(all, LvName.Outgoing(operation));
        if (Named(all, name) is { } there && there.Tags.Rolled == Rolled(operation))
        {
            if (aside is null)
            {
                throw new StorageException(StorageErrorKind.NeedsAttention, pool.Subject(_volume), $"was rolled back to {snapshot}, and what it was is gone");
            }

            await pool.Group.DeactivateAsync(name, "undo the rollback of", cancellationToken);
            await pool.Group.RenameAsync(name, LvName.Incoming(operation), cancellationToken);
        }

        if (aside is not null)
        {
            await GiveBackAsync(pool.Group, aside, name, cancellationToken);
        }
        else if (Named(all, name) is { Tags.Replaced: Guid by } still && by == operation)
        {
            await ClearAsync(pool.Group, still, cancellationToken);
        }

        if (Named(await pool.Group.ListAsync(cancellationToken), LvName.Incoming(operation)) is not null)
        {
            await pool.Group.RemoveAsync(LvName.Incoming(operation), LvTags.Tag("rolled", Rolled(operation)), context.Time, cancellationToken);
        }
    }

    /// <summary>Gives each volume its name back that a rollback which a crash cut short put aside, so that it can be run again or undone.</summary>
    internal static async Task GiveNamesBackAsync(VolumeGroup group, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await group.ListCommittedAsync(cancellationToken);
        foreach (LogicalVolume volume in all.Where(lv => lv.Tags is { IsOurs: true, Replaced: not null }))
        {
            Guid operation = volume.Tags.Replaced!.Value;
            if (LvName.Parse(volume.Name) is not null)
            {
                await ClearAsync(group, volume, cancellationToken);   // it was marked, and not yet put aside
            }
            else if (volume.Tags.FromName is string name && Named(all, name) is var holder && (holder is null || holder.Tags.Making == operation))
            {
                if (holder is not null)
                {
                    await group.RenameAsync(name, LvName.Incoming(operation), cancellationToken);
                }

                await GiveBackAsync(group, volume, name, cancellationToken);
            }
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

    private static async Task GiveBackAsync(VolumeGroup group, LogicalVolume aside, string name, CancellationToken cancellationToken)
    {
        await group.RenameAsync(aside.Name, name, cancellationToken);
        await ClearAsync(group, aside with { Name = name }, cancellationToken);
    }

    private static async Task ClearAsync(VolumeGroup group, LogicalVolume volume, CancellationToken cancellationToken)
    {
        await group.ChangeAsync(volume.Name, ["--activate", "y"], cancellationToken);
        await group.ChangeAsync(volume.Name, ["--deltag", LvTags.Tag("replaced", volume.Tags.Replaced!.Value)], cancellationToken);
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
        await pool.Group.ChangeAsync(
            volume.Name, ["--addtag", LvTags.Tag("replaced", operation), .. volume.Tags.NoteWords(operation, "from-name", volume.Name)], cancellationToken);
        await pool.Group.RenameAsync(volume.Name, LvName.Outgoing(operation), cancellationToken);
    }

    private string Rolled(Guid operation) => $"{operation}:{snapshot.Label}";

    private static string Making(Guid operation) => LvTags.Tag("making", operation);

    private static LogicalVolume? Named(IReadOnlyList<LogicalVolume> all, string name) => all.FirstOrDefault(lv => lv.Name == name);
}
