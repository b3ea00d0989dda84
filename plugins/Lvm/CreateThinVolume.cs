namespace EveStorage.Lvm;

/// <summary>
/// Creates a thin volume: first its record, in a slot that counts as free until a logical volume has its id; then the logical
/// volume with all its marks, in one commit of LVM's. One of ours that is there with the same size is left alone.
/// </summary>
internal sealed class CreateThinVolume(LvmThinPool pool, VolumeSpec spec, StepEffect expected) : StorageStep
{
    public override string Title => $"create thin volume {pool.Subject(spec.Name)} of {spec.Size}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">Something else has that name, or it would be too much.</exception>
    internal static async Task<CreateThinVolume> PlanAsync(LvmThinPool pool, VolumeSpec spec, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        bool there = MadeVolume.SameIn(pool, all, spec) is not null;
        if (!there)
        {
            pool.RequireRoom(all, spec.Size, pool.Subject(spec.Name));
        }

        return new(pool, spec, there ? StepEffect.AlreadySo : StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await ThinPoolRoom.ListAsync(pool, cancellationToken);
        if (MadeVolume.SameIn(pool, all, spec) is LogicalVolume existing)
        {
            await pool.RequireReadyAsync(spec.Name, spec.Size, cancellationToken);
            return existing.Tags.Mark!.Value.OutcomeFor(context);
        }

        pool.RequireRoom(all, spec.Size, pool.Subject(spec.Name));
        Guid id = context.IdOf(spec.Name);
        pool.Journal.Write(new() { Id = id, Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers }, pool.Subject(spec.Name), all);
        await pool.Group.CreateAsync(
            [
                "--type", "thin", "--virtualsize", $"{spec.Size.Bytes}b", "--thinpool", LvName.ThinPool, "--name", LvName.Of(spec.Name),
                .. MadeVolume.TagWords(LvTags.New(context.Request.Id, id)), pool.Group.Name,
            ],
            cancellationToken);
        await pool.RequireReadyAsync(spec.Name, spec.Size, cancellationToken);
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => MadeVolume.RemoveAsync(pool, spec.Name, context, $"undo: {Title}", cancellationToken);
}
