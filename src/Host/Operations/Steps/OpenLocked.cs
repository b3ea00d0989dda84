using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Lets a locked pool be opened, and opens it. One that can't be stays locked, with nothing open.</summary>
internal sealed class OpenLocked(LockedPools locked, OpenPools pools, PoolName pool, Func<CancellationToken, Task<Plan>> closing) : StorageStep
{
    private bool _wasLocked;

    /// <inheritdoc/>
    public override string Title => $"unlock {pool}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        _wasLocked = locked.Contains(pool);
        locked.Remove(pool);
        await pools.OpenAsync(pool, cancellationToken);
        return _wasLocked ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!_wasLocked)
        {
            return;
        }

        locked.Add(pool, context.Request.Id);
        foreach (StorageStep step in (await closing(cancellationToken)).Steps)
        {
            await step.ApplyAsync(context, cancellationToken);
        }
    }
}
