namespace EveStorage.Host.Operations.Steps;

/// <summary>Deletes a volume whose snapshots earlier steps have deleted: only now can its backend plan that.</summary>
internal sealed class DeleteOnceBare(IStoragePool pool, VolumeName volume) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"delete {pool.Name}/{volume}";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = StepEffect.Destroys($"all data of {pool.Name}/{volume}");

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        StepOutcome outcome = StepOutcome.AlreadySo;
        foreach (StorageStep step in (await pool.PlanDeleteAsync(volume, cancellationToken)).Steps)
        {
            outcome = await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed ? StepOutcome.Changed : outcome;
        }

        return outcome;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.FindVolumeAsync(volume, cancellationToken) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}/{volume}", "was deleted and can't be brought back");
        }
    }
}
