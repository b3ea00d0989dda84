namespace EveStorage.Lvm;

/// <summary>Starts a check of all that is redundant: every copy is read and compared. It goes on by itself, at a rate that leaves room for others.</summary>
internal sealed class StartScrub(LvmPool pool, StepEffect expected) : StorageStep
{
    public override string Title => $"check the copies of {pool.Name} against each other";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    internal static async Task<StartScrub> PlanAsync(LvmPool pool, CancellationToken cancellationToken)
        => new(pool, Idle(await pool.Group.ListAsync(cancellationToken)).Count == 0 ? StepEffect.AlreadySo : StepEffect.Change);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListAsync(cancellationToken);
        // LVM refreshes what is hidden with what it is a part of.
        foreach (string back in all.Where(lv => lv.Health == "refresh needed").Select(lv => lv.IsPublic ? lv.Name : LvName.ThinPool).Distinct())
        {
            await pool.Group.ChangeAsync(back, ["--refresh"], cancellationToken);
        }

        IReadOnlyList<LogicalVolume> idle = Idle(await pool.Group.ListAsync(cancellationToken));
        foreach (LogicalVolume redundant in idle)
        {
            await pool.Group.ChangeAsync(redundant.Name, ["--syncaction", "check"], cancellationToken);
        }

        return idle.Count > 0 ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    // It only reads: there is nothing to undo, and it may run on.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static IReadOnlyList<LogicalVolume> Idle(IReadOnlyList<LogicalVolume> all) => [.. all.Where(lv => lv.SyncAction == "idle")];
}
