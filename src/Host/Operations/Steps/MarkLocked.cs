namespace EveStorage.Host.Operations.Steps;

/// <summary>Remembers until a reboot that a person locked a pool, or no more.</summary>
internal sealed class MarkLocked(LockedPools locked, PoolName pool, bool wanted) : StorageStep
{
    private bool _changed;

    /// <inheritdoc/>
    public override string Title => wanted ? $"keep {pool} locked" : $"let {pool} be opened";

    /// <inheritdoc/>
    public override StepEffect Expected => locked.Contains(pool) == wanted ? StepEffect.AlreadySo : StepEffect.Change;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (locked.Contains(pool) == wanted)
        {
            return new(StepOutcome.AlreadySo);
        }

        Set(wanted);
        _changed = true;
        return new(StepOutcome.Changed);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_changed)
        {
            Set(!wanted);
        }

        return ValueTask.CompletedTask;
    }

    private void Set(bool value)
    {
        if (value)
        {
            locked.Add(pool);
        }
        else
        {
            locked.Remove(pool);
        }
    }
}
