namespace EveStorage.Zfs;

/// <summary>Creates a volume: one that takes what is written, or with room kept free for all of it. One of ours that is there with the same size is left alone.</summary>
internal sealed class CreateVolume(ZfsPool pool, VolumeSpec spec, StepEffect expected) : StorageStep
{
    public override string Title => $"create {(IsThin ? "thin volume" : "volume")} {pool.Subject(spec.Name)} of {spec.Size}";

    public override StepEffect Expected => expected;

    private bool IsThin => spec.Traits.HasFlag(VolumeTraits.Thin);

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">Something else has that name.</exception>
    internal static async Task<CreateVolume> PlanAsync(ZfsPool pool, VolumeSpec spec, CancellationToken cancellationToken)
        => new(pool, spec, SameIn(pool, await pool.Zpool.ListAsync(spec.Name, cancellationToken), spec) is null ? StepEffect.Change : StepEffect.AlreadySo);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Dataset? existing = SameIn(pool, await pool.Zpool.ListAsync(spec.Name, cancellationToken), spec);
        if (existing is null)
        {
            VolumeRecord record = new() { Id = context.IdOf(spec.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers };
            string[] verb = ["create", .. IsThin ? (string[])["-s"] : [], "-V", $"{spec.Size.Bytes}", "-o", $"volblocksize={pool.Capabilities.Granularity.Bytes}"];
            await MadeVolume.MakeAsync(pool, spec.Name, record, verb, [], context, cancellationToken);
        }

        await pool.RequireReadyAsync(spec.Name, spec.Size, cancellationToken);
        return existing?.Mark!.Value.OutcomeFor(context) ?? StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        await MadeVolume.RemoveAsync(pool, spec.Name, context, cancellationToken);
    }

    private static Dataset? SameIn(ZfsPool pool, IReadOnlyList<Dataset> found, VolumeSpec spec)
    {
        Dataset? there = pool.OursIn(found, spec.Name);
        return there is null || there.Size.RoundUpTo(pool.Capabilities.Granularity) == spec.Size   // one that was received has blocks of its own
            ? there
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(spec.Name), $"exists with {there.Size}, not {spec.Size}");
    }
}
