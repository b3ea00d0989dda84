namespace EveStorage.Zfs;

/// <summary>
/// Creates a volume or a file system: one that takes what is written, or with room kept free for all of it. One of ours that is there with
/// the same size is left alone.
/// </summary>
internal sealed class CreateVolume(ZfsPool pool, VolumeSpec spec, StepEffect expected) : StorageStep
{
    public override string Title => $"create {(IsThin ? "thin " : "")}{MadeVolume.Called(spec.Form)} {pool.Subject(spec.Name)} of {spec.Size}";

    public override StepEffect Expected => expected;

    private bool IsThin => spec.Traits.HasFlag(VolumeTraits.Thin) && !spec.Traits.HasFlag(VolumeTraits.Reserved);

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
            string[] verb = spec.Form == VolumeForm.FileSystem
                ? ["create", .. FileSystemWords.Of(spec.Size, spec.Quota, IsThin ? spec.Reservation : spec.Size, CompressionOf())]
                : ["create", .. IsThin ? (string[])["-s"] : [], "-V", $"{spec.Size.Bytes}", "-o", $"volblocksize={pool.Capabilities.Granularity.Bytes}"];
            await MadeVolume.MakeAsync(pool, spec.Name, record, verb, [], context, cancellationToken);
        }

        await pool.RequireReadyAsync(spec.Name, spec.Form, spec.Size, cancellationToken);
        return existing?.Mark!.Value.OutcomeFor(context) ?? StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        await MadeVolume.RemoveAsync(pool, spec.Name, context, cancellationToken);
    }

    // What the profile says of file systems; where that is nothing, and one is to be compressed in a pool that is not, the cheapest.
    private string? CompressionOf()
        => pool.Options.FileSystemCompression is string chosen && !(chosen == "off" && MustCompress) ? chosen
            : MustCompress && !pool.Capabilities.Traits.HasFlag(VolumeTraits.Compressed) ? FileSystemWords.Cheapest
            : null;

    private bool MustCompress => spec.Traits.HasFlag(VolumeTraits.Compressed);

    private static Dataset? SameIn(ZfsPool pool, IReadOnlyList<Dataset> found, VolumeSpec spec)
    {
        Dataset? there = pool.OursIn(found, spec.Name);
        return there is null ? null
            : there.Form != spec.Form
            ? throw new StorageException(StorageErrorKind.Conflict, pool.Subject(spec.Name), $"exists as a {MadeVolume.Called(there.Form)}, not as a {MadeVolume.Called(spec.Form)}")
            : there.Size.RoundUpTo(pool.Capabilities.Granularity) == spec.Size   // one that was received has blocks of its own
            ? there
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(spec.Name), $"exists with {there.Size}, not {spec.Size}");
    }
}
