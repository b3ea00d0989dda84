namespace EveStorage.Zfs;

/// <summary>Interrupts a check; starting it again goes on where it was. What ZFS brings up to date is not interrupted.</summary>
internal sealed class PauseScrub(ZfsPool pool) : StorageStep
{
    public override string Title => $"interrupt the check of {pool.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if ((await PoolReport.AskAsync(pool.Zpool, pool.Open.Version, cancellationToken)).Scan is not { IsRunning: true, IsResilver: false, IsPaused: false })
        {
            return StepOutcome.AlreadySo;
        }

        await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["scrub", "-p", pool.Zpool.Root], cancellationToken);
        return StepOutcome.Changed;
    }

    // Who interrupted it wanted it to rest, and the next one goes on with it.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
