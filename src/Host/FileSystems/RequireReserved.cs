namespace EveStorage.Host.FileSystems;

/// <summary>Looks, once the volume is there, that its pool keeps its space free for it: only then can its pool tell.</summary>
internal sealed class RequireReserved(IStoragePool pool, VolumeName volume) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"check that all of {pool.Name}/{volume} is kept free for it";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.AlreadySo;

    /// <summary>Puts it before the first step that needs the volume: the one that records its place.</summary>
    internal static Plan In(Plan plan, IStoragePool pool, VolumeName volume)
    {
        int at = plan.Steps.ToList().FindIndex(step => step is RecordMount);
        return new([.. plan.Steps.Take(at), new RequireReserved(pool, volume), .. plan.Steps.Skip(at)]);
    }

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        => await pool.FindVolumeAsync(volume, cancellationToken) is VolumeInfo there && !there.Traits.HasFlag(VolumeTraits.Thin)
            ? StepOutcome.AlreadySo
            : throw new StorageException(StorageErrorKind.NotSupported, $"{pool.Name}/{volume}", "can't be reserved: its pool gives space when it is written, and to all alike");

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
