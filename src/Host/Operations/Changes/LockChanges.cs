using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations.Steps;

namespace EveStorage.Host.Operations.Changes;

/// <summary>A pool with layers under it that have keys.</summary>
internal static class LockablePools
{
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: nothing under it has a key.</exception>
    internal static IReadOnlyList<LayerStack> DevicesOf(PoolName pool, PlanningContext context)
        => context.Parts.DevicesOf(pool) is { Count: > 0 } devices && StackPlanner.KeysOf(devices).Any()
            ? devices
            : throw new StorageException(StorageErrorKind.NotSupported, $"{pool}", "has no layer with a key under it: set Encryption to luks2-under-pool before the pool is made");

    /// <summary>Plans closing a pool that nobody has open here, and what lies under it.</summary>
    internal static async Task<Plan> PlanCloseAsync(PoolName pool, IReadOnlyList<LayerStack> devices, PlanningContext context, CancellationToken cancellationToken)
    {
        Plan plan = await context.Parts.BackendOf(pool).PlanClosePoolAsync(pool, cancellationToken);
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanCloseAsync(cancellationToken));
        }

        return plan;
    }
}

/// <summary>Closes a pool and the layers under it, so that nobody reads it without its keys.</summary>
internal sealed class PlanLockPool(LockedPools locked) : ChangePlanner<LockPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(LockPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = LockablePools.DevicesOf(request.Pool, context);
        Plan plan = Plan.Of(new MarkLocked(locked, request.Pool));
        if (await TryOpenAsync(request.Pool, context, cancellationToken) is IStoragePool pool)
        {
            List<(VolumeInfo Volume, VolumeRecord? Record)> volumes = [];
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                volumes.Add((volume, await pool.Records.FindAsync(volume.Name, cancellationToken)));
            }

            foreach ((VolumeInfo volume, VolumeRecord? record) in volumes.OrderByDescending(each => MountPoints.DepthOf(each.Record?.Mount)))
            {
                if (record?.Exports.Count > 0)
                {
                    throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}/{volume.Name}", $"is exported: `evestorage export remove {pool.Name}/{volume.Name}` first");
                }

                plan = plan.Then(await context.Parts.StackOf(pool, volume.Name, volume.Id, record).PlanCloseAsync(cancellationToken));
            }
        }

        return plan
            .Then(Plan.Of(new ClosePool(context.Pools, request.Pool)))
            .Then(await LockablePools.PlanCloseAsync(request.Pool, devices, context, cancellationToken))
            .Then(Plan.Of(new RequireClosed(request.Pool, devices)));
    }

    // Its volumes may be open as well, and only the pool knows them. One that can't be opened, or is locked already, has none in use.
    private static async Task<IStoragePool?> TryOpenAsync(PoolName name, PlanningContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Pools.OpenAsync(name, cancellationToken, evenLocked: context.Recovering);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.NotFound or StorageErrorKind.Unavailable)
        {
            return null;
        }
    }
}

/// <summary>Opens the layers under a pool, and the pool.</summary>
internal sealed class PlanUnlockPool(LockedPools locked) : ChangePlanner<UnlockPool>
{
    /// <inheritdoc/>
    protected override Task<Plan> PlanAsync(UnlockPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = LockablePools.DevicesOf(request.Pool, context);
        return Task.FromResult(Plan.Of(new OpenLocked(
            locked, context.Pools, request.Pool, cancelled => LockablePools.PlanCloseAsync(request.Pool, devices, context, cancelled))));
    }
}
