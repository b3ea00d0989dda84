using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// Takes a blank device into the pool: beside the others where there is no redundancy, and into the group with parity where OpenZFS
/// can widen one. A single drive beside mirrors would be the pool's end when it fails, and is refused.
/// </summary>
internal sealed class AddDrive(ZfsPool pool, string device, StepEffect expected) : StorageStep
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    public override string Title => $"take {device} into {pool.Name}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it has a signature, or is in use.
    /// <see cref="StorageErrorKind.NotSupported"/>: this pool takes no single drive.</exception>
    internal static async Task<AddDrive> PlanAsync(ZfsPool pool, string device, CancellationToken cancellationToken)
    {
        Drive drive = ZfsDrive.Require(device);
        (PoolReport report, _) = await pool.LookAsync(cancellationToken);
        if (ZfsPool.MemberIn(report, drive) is not null)
        {
            return new(pool, device, StepEffect.AlreadySo);
        }

        Words(pool, report, drive);
        await ZfsDrive.CheckFreeAsync(drive, device, cancellationToken);
        return new(pool, device, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            Drive drive = ZfsDrive.Require(device);
            (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
            if (ZfsPool.MemberIn(report, drive) is not null)
            {
                DriveClaim.Take(drive);   // a crash may have come before that
                return StepOutcome.AlreadySo;
            }

            await ZfsDrive.CheckFreeAsync(drive, device, cancellationToken);
            await ZfsDrive.GiveAsync(pool.Zpool.Tools, $"{pool.Name}", [drive], Words(pool, report, drive), cancellationToken);
            await pool.NameDrivesAsync(cancellationToken);
        }

        return StepOutcome.Changed;
    }

    // Without redundancy ZFS moves off it what came to it since; a group with parity stays as wide as it has become.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (expected == StepEffect.AlreadySo || Drive.Find(device) is not Drive drive)
        {
            return;
        }

        if (ZfsPool.MemberIn((await pool.LookAsync(cancellationToken)).Report, drive) is not Vdev added)
        {
            await ZfsDrive.BlankAsync(pool.Zpool.Tools, drive, cancellationToken);
            return;
        }

        if (pool.Open.Facts.Redundancy != PoolRedundancy.None)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", $"has taken {device} in, and ZFS can't let a drive go from a group with parity");
        }

        await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", ["remove", pool.Zpool.Root, added.Guid], cancellationToken);
        while (ZfsPool.MemberIn((await pool.LookAsync(cancellationToken)).Report, drive) is not null)
        {
            await Task.Delay(s_look, context.Time, cancellationToken);
        }

        await pool.BlankAsync(drive, cancellationToken);
    }

    private static string[] Words(ZfsPool pool, PoolReport report, Drive drive)
    {
        string node = ZfsDrive.NodeOf(drive);
        PoolRedundancy redundancy = pool.Open.Facts.Redundancy;
        return redundancy == PoolRedundancy.None ? ["add", pool.Zpool.Root, node]
            : redundancy == PoolRedundancy.Mirror
            ? throw new StorageException(
                StorageErrorKind.NotSupported, $"{pool.Name}",
                "is of mirrors, and a single drive would be without a copy: put larger drives in place of its drives by 'evestorage pool replace', one after the other")
            : !pool.Open.Version.HasRaidzExpansion
            ? throw new StorageException(
                StorageErrorKind.NotSupported, $"{pool.Name}", $"is a group with parity, which OpenZFS {pool.Open.Version} can't widen; 2.3 can")
            : ["attach", pool.Zpool.Root, report.Groups.First(group => group.Type == "raidz").Name, node];
    }
}
