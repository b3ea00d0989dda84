using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Looks that nothing under a pool is open, once all was closed: another process may have opened it again meanwhile.</summary>
internal sealed class RequireClosed(PoolName pool, IReadOnlyList<LayerStack> devices) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"check that nothing of {pool} is open";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.AlreadySo;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        foreach (LayerStack device in devices)
        {
            if (await device.CountOpenAsync(cancellationToken) > 0)
            {
                throw new StorageException(StorageErrorKind.Busy, $"{pool}", $"{device.Device} was opened again while the pool was being closed: try again");
            }
        }

        return StepOutcome.AlreadySo;
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
