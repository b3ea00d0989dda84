namespace EveStorage.Zfs;

/// <summary>Starts a reading of all that the pool holds: what does not fit its checksum is repaired from the other copies. It goes on by itself, also after a restart; one that was interrupted goes on where it was.</summary>
internal sealed class StartScrub(ZfsPool pool) : StorageStep
{
    public override string Title => $"check all of {pool.Name} against its checksums";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        PoolReport report = await PoolReport.AskAsync(pool.Zpool, pool.Open.Version, cancellationToken);
        if (report.Scan is { IsRunning: true, IsPaused: false } scan)
        {
            return scan.IsResilver
                ? throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", "brings a drive up to date: check it when that has ended")
                : StepOutcome.AlreadySo;
        }

        await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["scrub", pool.Zpool.Root], cancellationToken);
        return StepOutcome.Changed;
    }

    // It only reads, and repairs: there is nothing to undo, and it may run on.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
