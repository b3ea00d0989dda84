using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Moves what a drive holds to the others, and lets it go: where there is no redundancy. Elsewhere each drive is a part of what the others hold.</summary>
internal sealed class RemoveDrive(ZfsPool pool, string drive, StepEffect expected) : StorageStep
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    public override string Title => $"move what {drive} holds to the other drives of {pool.Name}, and let it go";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">There is no such drive, the others have no room, or the pool can do without none.</exception>
    internal static async Task<RemoveDrive> PlanAsync(ZfsPool pool, string drive, CancellationToken cancellationToken)
    {
        if (pool.Open.Facts.Redundancy != PoolRedundancy.None)
        {
            throw new StorageException(
                StorageErrorKind.NotSupported, $"{pool.Name}", $"is of groups, each drive of which holds a part of all: replace {drive} by 'evestorage pool replace {pool.Name} {drive} DEVICE'");
        }

        (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
        return PoolDrives.Find(report, names, drive) is null
            ? throw new StorageException(
                StorageErrorKind.NotFound, $"{pool.Name}", $"has no drive {drive}; it has {string.Join(", ", report.Drives.Select(vdev => PoolDrives.CalledOf(vdev, names)))}")
            : report.Drives.Count() == 1
            ? throw new StorageException(StorageErrorKind.OutOfSpace, $"{pool.Name}", $"has no drive but {drive}: add one first, or replace this one")
            : new(pool, drive, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
        if (PoolDrives.Find(report, names, drive) is not Vdev old)
        {
            return StepOutcome.AlreadySo;
        }

        Drive? device = PoolDrives.FindDevice(old) is Drive there ? ZfsDrive.WholeOf(there) : null;
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            // What an operation that a crash cut short began goes on by itself.
            if ((await pool.LookAsync(cancellationToken)).Report.Drives.Any(vdev => vdev.Guid == old.Guid && !vdev.IsLeaving))
            {
                await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["remove", pool.Zpool.Root, old.Guid], cancellationToken);
            }
        }

        while ((await pool.LookAsync(cancellationToken)).Report.Drives.FirstOrDefault(vdev => vdev.Guid == old.Guid) is Vdev left)
        {
            // ZFS gives up where it can't read or write, and somebody may have told it to.
            if (!left.IsLeaving)
            {
                throw new StorageException(
                    StorageErrorKind.Io, $"{pool.Name}", $"still has {drive}: moving what it holds was ended before all was moved; look at the drives with 'evestorage pool status {pool.Name}', then run it again");
            }

            context.Progress.Report(new(Title, new(0), null));
            await Task.Delay(s_look, context.Time, cancellationToken);
        }

        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            await pool.NameDrivesAsync(cancellationToken);
            if (device is not null)
            {
                await pool.BlankAsync(device, cancellationToken);
            }
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
        if (PoolDrives.Find(report, names, drive) is not Vdev old)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", $"has let {drive} go: 'evestorage pool add {pool.Name} {drive}' takes it in again");
        }

        if (old.IsLeaving)
        {
            await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["remove", "-s", pool.Zpool.Root], cancellationToken);
        }
    }
}
