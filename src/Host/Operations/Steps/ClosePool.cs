using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Lets go of a pool, so that its backend may close or remove it. Nobody here opens it again before the operation has ended.</summary>
internal sealed class ClosePool(OpenPools pools, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"close {pool}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await pools.CloseForAsync(pool, context.Request.Id);
        return StepOutcome.AlreadySo;
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
