namespace EveStorage.Host.Operations.Steps;

/// <summary>Remembers until a reboot that a person locked a pool. It comes before anything is closed, or somebody would open that again.</summary>
internal sealed class MarkLocked(LockedPools locked, PoolName pool) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"keep {pool} locked";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = locked.Contains(pool) ? StepEffect.AlreadySo : StepEffect.Change;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (locked.Contains(pool))
        {
            return new(locked.IsOf(pool, context.Request.Id) ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        locked.Add(pool, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (locked.IsOf(pool, context.Request.Id))
        {
            locked.Remove(pool);
        }

        return ValueTask.CompletedTask;
    }
}
