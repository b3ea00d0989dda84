using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Moves all that a drive holds to another, or to all others. What is redundant is rebuilt from its copies, so that the drive
/// may be missing; what is not is copied off it while it serves. LVM goes on where a crash cut it short.
/// </summary>
internal sealed class MoveDrive(LvmPool pool, LeavingDrive old, string? replacement) : StorageStep
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(15);

    public override string Title => $"move what {old.Name} holds to {replacement ?? "the other drives"}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await FindAsync(cancellationToken) is not PhysicalVolume drive || drive.Used.Bytes == 0)
        {
            return StepOutcome.AlreadySo;
        }

        string[] target = replacement is null ? [] : [PoolDevices.NodeOf(FreeDevice.Require(replacement))];
        if (!drive.IsMissing)
        {
            await MoveAsync(drive, target, context, cancellationToken);
            return StepOutcome.Changed;
        }

        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        await RepairAsync(target, cancellationToken);
        return StepOutcome.Changed;
    }

    // What was moved stays where it is: moving it back would take as long, and to a drive that fails it would lose it. The drive that
    // was added then stays, too, and the operation can be run again.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!old.IsMissing && (await pool.Group.ListAsync(cancellationToken)).Any(IsMoving))
        {
            await AbortAsync();   // one that was killed is still under way for LVM
        }
    }

    private Task AbortAsync() => pool.Group.RunAsync("pvmove", ["--abort"], CancellationToken.None);

    // LVM copies one piece after the other and commits each. It is not killed between them, but told to end.
    private async Task MoveAsync(PhysicalVolume from, string[] target, OperationContext context, CancellationToken cancellationToken)
    {
        Task moving = pool.Group.RunAsync("pvmove", ["--yes", "--interval", "5", from.Path, .. target], cancellationToken);
        try
        {
            while (await Task.WhenAny(moving, Task.Delay(s_look, context.Time, cancellationToken)) != moving)
            {
                cancellationToken.ThrowIfCancellationRequested();
                context.Progress.Report(new(Title, new((long)(from.Used.Bytes * (await PartAsync() / 100))), from.Used));
            }
        }
        catch (OperationCanceledException)
        {
            await AbortAsync();
            await Task.WhenAny(moving);   // whatever it says of having been told to end
            throw;
        }

        await moving;

        async Task<double> PartAsync()
        {
            try
            {
                return (await pool.Group.ListAsync(CancellationToken.None)).FirstOrDefault(IsMoving)?.SyncPercent ?? 0;
            }
            catch (StorageException)
            {
                return 0;   // it tells how far it is, and no more
            }
        }
    }

    private static bool IsMoving(LogicalVolume lv) => lv.Name.StartsWith("pvmove", StringComparison.Ordinal);

    private async Task RepairAsync(string[] target, CancellationToken cancellationToken)
    {
        foreach (LogicalVolume broken in (await pool.Group.ListAsync(cancellationToken)).Where(lv => lv.SyncAction.Length > 0 && lv.Health == "partial"))
        {
            await pool.Group.RunAsync("lvconvert", ["--yes", "--repair", pool.Group.Subject(broken.Name), .. target], cancellationToken);
        }

        if ((await pool.Group.ListAsync(cancellationToken)).FirstOrDefault(lv => lv.Health == "partial" && lv.SyncAction.Length > 0) is LogicalVolume left)
        {
            throw new StorageException(StorageErrorKind.OutOfSpace, pool.Group.Subject(left.Name), $"could not be rebuilt without {old.Name}: give the pool a drive of at least its size");
        }
    }

    private async Task<PhysicalVolume?> FindAsync(CancellationToken cancellationToken)
        => old.In(await pool.DrivesAsync(cancellationToken));
}
