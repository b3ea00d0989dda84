namespace EveStorage.Lvm;

/// <summary>
/// Grows a volume, which may be open. What is new reads as zeros: of a thin one by itself; of a thick one it is zeroed before
/// the volume has it, as a logical volume of its own whose extents the volume then takes, since a guest may write to what is
/// new the moment that it is there.
/// </summary>
internal sealed class GrowVolume(LvmPool pool, VolumeName name, ByteSize size, StepEffect expected) : StorageStep
{
    public override string Title => $"grow {pool.Subject(name)} to {size}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it. The volume need not be there: an earlier step of the same plan may make it.</summary>
    /// <exception cref="StorageException">It would shrink, or it would be too much.</exception>
    internal static async Task<GrowVolume> PlanAsync(LvmPool pool, VolumeName name, ByteSize size, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        bool done = pool.OursIn(all, name) is LogicalVolume volume && !Lacks(pool, all, volume, name, size);
        return new(pool, name, size, done ? StepEffect.AlreadySo : StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        string extent = LvName.Growth(context.Request.Id);
        ByteSize more;
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
            LogicalVolume volume = Require(all);
            if (!Lacks(pool, all, volume, name, size))
            {
                return volume.Tags.ChangedBy == context.Request.Id && volume.Tags.FromSize < size ? StepOutcome.Changed : StepOutcome.AlreadySo;
            }

            if (volume.IsThin)
            {
                await ExtendAsync(volume, [], context, cancellationToken);
                return StepOutcome.Changed;
            }

            more = new(size.Bytes - volume.Size.Bytes);
            if (!all.Any(lv => lv.Name == extent))
            {
                await CreateThickVolume.RequireRoomAsync(pool, more, pool.Subject(name), cancellationToken);
                await pool.Group.CreateAsync(
                    [
                        .. pool.Shape.DataWords, "--size", $"{more.Bytes}b", "--name", extent, "--zero", "n", "--wipesignatures", "n",
                        .. MadeVolume.TagWords([LvTags.Owner, LvTags.OperationTag(context.Request.Id), LvTags.Tag("making", context.Request.Id)]), pool.Group.Name,
                    ],
                    cancellationToken);
            }
        }

        await CreateThickVolume.ZeroAsync(pool, extent, pool.Subject(name), more, Title, context, cancellationToken);
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            IReadOnlyList<string> ranges = await pool.Group.ExtentsOfAsync(extent, cancellationToken);
            await RemoveExtentAsync(context, cancellationToken);
            await ExtendAsync(Require(await pool.Group.ListCommittedAsync(cancellationToken)), ranges, context, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (all.Any(lv => lv.Name == LvName.Growth(context.Request.Id)))
        {
            await RemoveExtentAsync(context, cancellationToken);
        }

        if (LvmPool.VolumeIn(all, name) is LogicalVolume volume && volume.Tags.ChangedBy == context.Request.Id
            && volume.Tags.FromSize is ByteSize before && volume.Size > before)
        {
            await pool.Group.ResizeAsync(volume.Name, volume.Size, before, [], cancellationToken);
        }
    }

    private LogicalVolume Require(IReadOnlyList<LogicalVolume> all)
        => LvmPool.VolumeIn(all, name) ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "there is no such volume");

    private Task RemoveExtentAsync(OperationContext context, CancellationToken cancellationToken)
        => pool.Group.RemoveAsync(LvName.Growth(context.Request.Id), LvTags.Tag("making", context.Request.Id), context.Time, cancellationToken);

    private static bool Lacks(LvmPool pool, IReadOnlyList<LogicalVolume> all, LogicalVolume volume, VolumeName name, ByteSize size)
    {
        if (volume.Size > size)
        {
            throw new StorageException(StorageErrorKind.NotSupported, pool.Subject(name), $"has {volume.Size} and can't shrink to {size}");
        }

        if (volume.Size < size && pool is LvmThinPool thin)
        {
            thin.RequireRoom(all, new(size.Bytes - volume.Size.Bytes), pool.Subject(name));
        }

        return volume.Size < size;
    }

    private async Task ExtendAsync(LogicalVolume volume, IReadOnlyList<string> ranges, OperationContext context, CancellationToken cancellationToken)
    {
        await pool.Group.ChangeAsync(volume.Name, [.. volume.Tags.NoteWords(context.Request.Id, "from-size", volume.Size.Bytes)], cancellationToken);
        await pool.Group.ResizeAsync(volume.Name, volume.Size, size, ranges, cancellationToken);
    }
}
