using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Keeps in mind that a pool has been made, so that one that is not found later is missing, and not one that was never made.</summary>
internal sealed class RememberPool(KnownPools known, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"remember that {pool} is here";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        known.Add(pool);
        return new(StepOutcome.Changed);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        known.Remove(pool);
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// Stands before all that makes a pool, and so is undone after it: whoever looked at the pool meanwhile has remembered it.
/// </summary>
internal sealed class ForgetUndone(KnownPools known, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"forget {pool} if it is not made after all";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => new(StepOutcome.Changed);

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        known.Remove(pool);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Keeps a pool in mind no more. One that is there after all is remembered by who opens it next.</summary>
internal sealed class ForgetKnown(KnownPools known, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"forget that {pool} was here";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = known.Contains(pool) ? StepEffect.Change : StepEffect.AlreadySo;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool was = known.Contains(pool);
        known.Remove(pool);
        return new(was ? StepOutcome.Changed : StepOutcome.AlreadySo);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
