namespace EveStorage.Zfs;

/// <summary>Has ZFS tell the drives which of their space is not used, or interrupts that. It goes on by itself, also after a restart.</summary>
internal sealed class TrimPool(ZfsPool pool, bool pause) : StorageStep
{
    public override string Title => pause ? $"interrupt telling the drives of {pool.Name} what is not used" : $"tell the drives of {pool.Name} what is not used";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        bool runs = await TrimReport.AskAsync(pool.Zpool, cancellationToken) is { Running: true };
        if (runs != pause)
        {
            return StepOutcome.AlreadySo;
        }

        try
        {
            await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["trim", .. pause ? (string[])["-s"] : [], pool.Zpool.Root], cancellationToken);
        }
        catch (StorageException e) when (e.Message.Contains("no devices in pool support trim", StringComparison.Ordinal) || e.Message.Contains("trim operations are not supported", StringComparison.Ordinal))
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{pool.Name}", "is of drives that can't be told what is not used", e);
        }

        return StepOutcome.Changed;
    }

    // It frees what is free: there is nothing to undo, and it may run on.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
