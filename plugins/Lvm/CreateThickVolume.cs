namespace EveStorage.Lvm;

/// <summary>
/// Creates a volume of its own extents, which held another volume's bytes before: it carries a tag that it is being made
/// until every byte is zero. Taking that tag away is the commit.
/// </summary>
internal sealed class CreateThickVolume(LvmThickPool pool, VolumeSpec spec, StepEffect expected) : StorageStep
{
    public override string Title => $"create volume {pool.Subject(spec.Name)} of {spec.Size}, and zero it";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">Something else has that name, or there is no room.</exception>
    internal static async Task<CreateThickVolume> PlanAsync(LvmThickPool pool, VolumeSpec spec, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (MadeVolume.SameIn(pool, all, spec) is not null)
        {
            return new(pool, spec, StepEffect.AlreadySo);
        }

        // One that is there unfinished has its room already.
        if (pool.OursIn(all, spec.Name) is null)
        {
            await RequireRoomAsync(pool, spec.Size, pool.Subject(spec.Name), cancellationToken);
        }

        return new(pool, spec, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        string volume = LvName.Of(spec.Name);
        string making = LvTags.Tag("making", context.Request.Id);
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
            if (MadeVolume.SameIn(pool, all, spec) is LogicalVolume existing)
            {
                await pool.RequireReadyAsync(spec.Name, spec.Size, cancellationToken);
                return existing.Tags.Mark!.Value.OutcomeFor(context);
            }

            if (pool.OursIn(all, spec.Name) is not LogicalVolume begun)
            {
                await RequireRoomAsync(pool, spec.Size, pool.Subject(spec.Name), cancellationToken);
                Guid id = context.IdOf(spec.Name);
                pool.Journal.Write(new() { Id = id, Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers }, pool.Subject(spec.Name), all);
                await pool.Group.CreateAsync(
                    [
                        .. pool.Shape.DataWords, "--size", $"{spec.Size.Bytes}b", "--name", volume, "--zero", "n", "--wipesignatures", "n",
                        .. MadeVolume.TagWords([.. LvTags.New(context.Request.Id, id), making]), pool.Group.Name,
                    ],
                    cancellationToken);
            }
            else if (begun.Tags.Making != context.Request.Id)
            {
                throw new StorageException(StorageErrorKind.Busy, pool.Subject(spec.Name), $"is being made by the operation {begun.Tags.Making}: wait for it, or undo it");
            }
        }

        await ZeroAsync(pool, volume, pool.Subject(spec.Name), spec.Size, Title, context, cancellationToken);
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            await pool.RequireReadyAsync(spec.Name, spec.Size, cancellationToken);
            await pool.Group.ChangeAsync(volume, ["--deltag", making], cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => MadeVolume.RemoveAsync(pool, spec.Name, context, $"undo: {Title}", cancellationToken);

    /// <summary>Makes the bytes of a logical volume zeros that are on the drives.</summary>
    internal static async Task ZeroAsync(
        LvmPool pool, string logicalVolume, string subject, ByteSize size, string title, OperationContext context, CancellationToken cancellationToken)
    {
        const long Piece = 64 << 20;
        string path = await pool.Group.Tools.Mapper.RequireNodeAsync(pool.Group.DeviceOf(logicalVolume), subject, cancellationToken);
        using Linux.BlockFile device = Linux.BlockFile.Open(path, writable: true, subject);
        await Task.Yield();
        for (long at = 0; at < size.Bytes; at += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            device.ZeroRange(at, Math.Min(Piece, size.Bytes - at));
            context.Progress.Report(new(title, new(Math.Min(at + Piece, size.Bytes)), size));
        }

        device.Flush();
    }

    /// <summary>Refuses what the pool has no room for.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>.</exception>
    internal static async Task RequireRoomAsync(LvmPool pool, ByteSize size, string subject, CancellationToken cancellationToken)
    {
        GroupFacts facts = await pool.Group.RequireAsync(cancellationToken);
        ByteSize free = Redundancy.Usable(facts.Free, pool.Shape.Redundancy, pool.Shape.Legs);
        if (size > free)
        {
            throw new StorageException(StorageErrorKind.OutOfSpace, subject, $"needs {size} and the pool has {free} free: delete something, or add a drive");
        }
    }
}
