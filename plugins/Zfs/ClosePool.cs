using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// Lets go of a pool's drives, and with them of its key. It makes sure that no volume is open: ZFS was seen to wait in the kernel
/// for ever where one was, and nothing stops a process there.
/// </summary>
internal sealed class ClosePool(Zpool zpool, PoolName name, ZfsOptions options, PluginServices services, StepEffect expected) : StorageStep
{
    public override string Title => $"export the ZFS pool {zpool.Root}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: a volume is open.</exception>
    internal static async Task<ClosePool> PlanAsync(Zpool zpool, PoolName name, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
        => new(zpool, name, options, services, await IsThereAsync(zpool, name, options, services, cancellationToken) ? StepEffect.Change : StepEffect.AlreadySo);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenZpool.LockAsync(zpool.Root, Title, options, services.Time, cancellationToken);
        if (!await IsThereAsync(zpool, name, options, services, cancellationToken))
        {
            return StepOutcome.AlreadySo;
        }

        await Zpool.WhenNotBusyAsync(() => zpool.Tools.ZpoolAsync($"{name}", ["export", zpool.Root], cancellationToken), options.BusyTimeout, context.Time, cancellationToken);
        return StepOutcome.Changed;
    }

    // What it was closed for may be gone by now: then it stays closed, and opening the pool tells why.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenZpool.LockAsync(zpool.Root, $"undo: {Title}", options, services.Time, cancellationToken);
        if (await PoolFacts.FindAsync(zpool, cancellationToken) is null)
        {
            await ImportPool.ImportAsync(name, zpool, services.Devices, cancellationToken);
        }
    }

    private static async Task<bool> IsThereAsync(Zpool zpool, PoolName name, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        if (ZfsTools.LoadedVersion is null || await PoolFacts.FindAsync(zpool, cancellationToken) is not PoolFacts facts)
        {
            return false;
        }

        facts.RequireOurs(name, zpool.Root);
        string[] volumes = [.. (await zpool.ListAsync(zpool.Root, cancellationToken)).Where(dataset => !dataset.IsSnapshot && dataset.Name != zpool.Root && dataset.Name != zpool.Volumes).Select(dataset => dataset.Name)];
        return await OpenVolumes.AfterAWhileAsync(zpool, volumes, options.BusyTimeout, services.Time, cancellationToken) is [string open, ..]
            ? throw MadeVolume.Busy(open, $"close {name}")
            : true;
    }
}
