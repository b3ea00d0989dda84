using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Removes a pool of ours that holds no volume, and leaves its drives blank.</summary>
internal sealed class DeletePool(Zpool zpool, PoolName name, ZfsOptions options, PluginServices services, StepEffect expected) : StorageStep
{
    public override string Title => $"destroy the ZFS pool {zpool.Root}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">It is not ours, or not empty.</exception>
    internal static async Task<DeletePool> PlanAsync(Zpool zpool, PoolName name, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
        => new(zpool, name, options, services, await IsThereEmptyAsync(zpool, name, cancellationToken) ? StepEffect.Destroys($"the pool {name}") : StepEffect.AlreadySo);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenZpool.LockAsync(zpool.Root, Title, options, services.Time, cancellationToken);
        if (await IsThereEmptyAsync(zpool, name, cancellationToken))
        {
            await DestroyAsync(zpool, $"{name}", options, services.Time, cancellationToken);
            return StepOutcome.Changed;
        }

        // A crash may have come between the pool's end and the last label's.
        bool any = false;
        foreach (Drive drive in services.Devices.Select(device => Drive.Find(device)).OfType<Drive>())
        {
            any |= await ZfsDrive.BlankAsync(zpool.Tools, drive, cancellationToken);
        }

        return any ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await PoolFacts.FindAsync(zpool, cancellationToken) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{name}", "was removed and can't be brought back: create it again");
        }
    }

    /// <summary>Refuses a pool that holds something.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>, or <see cref="StorageErrorKind.Conflict"/> for what is not ours.</exception>
    internal static async Task RequireEmptyAsync(Zpool zpool, string subject, CancellationToken cancellationToken)
    {
        if ((await zpool.ListAsync(zpool.Root, cancellationToken)).FirstOrDefault(dataset => dataset.Name != zpool.Root && dataset.Name != zpool.Volumes) is Dataset first)
        {
            throw first.Id is not null || first.Leaf.StartsWith('_')
                ? new StorageException(StorageErrorKind.Busy, subject, $"holds '{first.Leaf}': delete its volumes first")
                : new StorageException(StorageErrorKind.Conflict, subject, $"holds '{first.Name}', which is not ours");
        }
    }

    /// <summary>Destroys a pool, and blanks its drives.</summary>
    internal static async Task DestroyAsync(Zpool zpool, string subject, ZfsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        PoolReport report = await PoolReport.AskAsync(zpool, await ZfsTools.LoadAsync(cancellationToken), cancellationToken);
        Drive[] drives = [.. report.Drives.Select(PoolDrives.FindDevice).OfType<Drive>().Select(ZfsDrive.WholeOf)];
        await Zpool.WhenNotBusyAsync(() => zpool.Tools.ZpoolAsync(subject, ["destroy", zpool.Root], cancellationToken), options.BusyTimeout, time, cancellationToken);
        foreach (Drive drive in drives)
        {
            await ZfsDrive.BlankAsync(zpool.Tools, drive, cancellationToken);
        }
    }

    private static async Task<bool> IsThereEmptyAsync(Zpool zpool, PoolName name, CancellationToken cancellationToken)
    {
        if (ZfsTools.LoadedVersion is null || await PoolFacts.FindAsync(zpool, cancellationToken) is not PoolFacts facts)
        {
            return false;
        }

        facts.RequireOurs(name, zpool.Root);
        await RequireEmptyAsync(zpool, $"{name}", cancellationToken);
        return true;
    }
}
