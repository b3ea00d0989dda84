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

    // Data is where it was, or on both: the drive that was added goes with its own step, once nothing is on it. Nothing is moved
    // back to a drive that was missing.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!old.IsMissing && await FindAsync(cancellationToken) is { IsMissing: false } back && replacement is not null && Drive.Find(replacement) is Drive added)
        {
            await pool.Group.RunAsync("pvmove", ["--abort"], cancellationToken);   // one that was killed is still under way for LVM
            string node = PoolDevices.NodeOf(added);
            if ((await pool.DrivesAsync(cancellationToken)).FirstOrDefault(volume => volume.Path == node) is { Used.Bytes: > 0 } moved)
            {
                await MoveAsync(moved, [back.Path], context, cancellationToken);
            }
        }
    }

    // LVM copies one piece after the other and commits each, for hours: meanwhile others look and change what they like, and LVM's own lock
    // keeps them apart from the commits.
    private async Task MoveAsync(PhysicalVolume from, string[] target, OperationContext context, CancellationToken cancellationToken)
    {
        Task moving = pool.Group.RunAsync("pvmove", ["--yes", "--interval", "5", from.Path, .. target], cancellationToken);
        while (await Task.WhenAny(moving, Task.Delay(s_look, context.Time, CancellationToken.None)) != moving)
        {
            context.Progress.Report(new(Title, new((long)(from.Used.Bytes * (await PartAsync() / 100))), from.Used));
        }

        await moving;

        async Task<double> PartAsync()
        {
            try
            {
                IReadOnlyList<LogicalVolume> all = await pool.Group.ListAsync(CancellationToken.None);
                return all.FirstOrDefault(lv => lv.Name.StartsWith("pvmove", StringComparison.Ordinal))?.SyncPercent ?? 0;
            }
            catch (StorageException)
            {
                return 0;   // it tells how far it is, and no more
            }
        }
    }

    private async Task RepairAsync(string[] target, CancellationToken cancellationToken)
    {
        if (pool.Shape.Redundancy == PoolRedundancy.None)
        {
            throw new StorageException(
                StorageErrorKind.NeedsAttention, $"{pool.Name}", $"has no copy of what {old.Name} held: bring that drive back, or restore the volumes from copies");
        }

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
