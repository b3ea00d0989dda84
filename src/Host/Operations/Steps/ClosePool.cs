using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Lets go of a pool, so that its backend may remove it. The next who asks opens it again.</summary>
internal sealed class ClosePool(OpenPools pools, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"close {pool}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await pools.CloseAsync(pool);
        return StepOutcome.AlreadySo;
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
