namespace EveStorage.Lvm;

/// <summary>
/// Grows a volume, which may be open. What is new reads as zeros: of a thin one by itself; of a thick one it is zeroed, and
/// the volume counts as not yet grown until then.
/// </summary>
internal sealed class GrowVolume(LvmPool pool, VolumeName name, ByteSize size, StepEffect expected) : StorageStep
{
    private static readonly string s_growing = LvTags.Tag("growing", "1");

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
        LogicalVolume volume;
        ByteSize before;
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
            volume = LvmPool.VolumeIn(all, name) ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "there is no such volume");
            bool ours = volume.Tags.ChangedBy == context.Request.Id && volume.Tags.FromSize < size;
            before = ours ? volume.Tags.FromSize!.Value : volume.Size;
            if (!Lacks(pool, all, volume, name, size))
            {
                return ours ? StepOutcome.Changed : StepOutcome.AlreadySo;
            }

            if (volume.Size < size)
            {
                string[] growing = volume.IsThin ? [] : ["--addtag", s_growing];
                await pool.Group.ChangeAsync(volume.Name, [.. volume.Tags.NoteWords(context.Request.Id, "from-size", before.Bytes), .. growing], cancellationToken);
                await ExtendAsync(volume, cancellationToken);
            }
        }

        if (!volume.IsThin)
        {
            await CreateThickVolume.ZeroAsync(pool, name, before, size, Title, context, cancellationToken);
            using IDisposable held = await pool.LockAsync(Title, cancellationToken);
            await pool.Group.ChangeAsync(volume.Name, ["--deltag", s_growing], cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (LvmPool.VolumeIn(all, name) is LogicalVolume volume && volume.Tags.ChangedBy == context.Request.Id
            && volume.Tags.FromSize is ByteSize before && volume.Size > before)
        {
            await pool.Group.ResizeAsync(volume.Name, volume.Size, before, cancellationToken);
            if (volume.Tags.IsGrowing)
            {
                await pool.Group.ChangeAsync(volume.Name, ["--deltag", s_growing], cancellationToken);
            }
        }
    }

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

        return volume.Size < size || volume.Tags.IsGrowing;
    }

    private async Task ExtendAsync(LogicalVolume volume, CancellationToken cancellationToken)
    {
        try
        {
            await pool.Group.ResizeAsync(volume.Name, volume.Size, size, cancellationToken);
        }
        catch (Linux.CommandException e)
        {
            GroupFacts facts = await pool.Group.RequireAsync(cancellationToken);
            ByteSize free = Redundancy.Usable(facts.Free, pool.Shape.Redundancy, pool.Shape.Legs);
            throw !volume.IsThin && free.Bytes < size.Bytes - volume.Size.Bytes
                ? new StorageException(StorageErrorKind.OutOfSpace, pool.Subject(name), $"lacks {new ByteSize(size.Bytes - volume.Size.Bytes)} and the pool has {free} free: delete something, or add a drive", e)
                : e;
        }
    }
}
