using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Has ZFS tell the drives which of their space is not used, or interrupts that. It goes on by itself, also after a restart.</summary>
internal sealed class TrimPool(ZfsPool pool, bool pause) : StorageStep
{
    public override string Title => pause ? $"interrupt telling the drives of {pool.Name} what is not used" : $"tell the drives of {pool.Name} what is not used";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: no drive of the pool takes a discard.</exception>
    internal static async Task<TrimPool> PlanAsync(ZfsPool pool, bool pause, CancellationToken cancellationToken)
        => (await pool.LookAsync(cancellationToken)).Report.Drives.Select(PoolDrives.FindDevice).OfType<Drive>().Any(drive => drive.TakesDiscard)
            ? new(pool, pause)
            : throw new StorageException(StorageErrorKind.NotSupported, $"{pool.Name}", "is of drives that can't be told what is not used");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        bool runs = await TrimReport.AskAsync(pool.Zpool, pool.Open.Version, cancellationToken) is { Running: true };
        if (runs != pause)
        {
            return StepOutcome.AlreadySo;
        }

        await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["trim", .. pause ? (string[])["-s"] : [], pool.Zpool.Root], cancellationToken);
        return StepOutcome.Changed;
    }

    // It frees what is free: there is nothing to undo, and it may run on.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
