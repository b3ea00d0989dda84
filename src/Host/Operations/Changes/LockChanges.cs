using EveStorage.Host.Api;
using EveStorage.Host.Composition;
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
}

/// <summary>Closes a pool and the layers under it, so that nobody reads it without its keys.</summary>
internal sealed class PlanLockPool(LockedPools locked) : ChangePlanner<LockPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(LockPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = LockablePools.DevicesOf(request.Pool, context);
        Plan plan = Plan.Of();
        if (await context.Pools.TryOpenAsync(request.Pool, cancellationToken) is IStoragePool pool)
        {
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                VolumeRecord? record = await pool.Records.FindAsync(volume.Name, cancellationToken);
                if (record?.Exports.Count > 0)
                {
                    throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}/{volume.Name}", $"is exported: `evestorage export remove {pool.Name}/{volume.Name}` first");
                }

                plan = plan.Then(await context.Parts.StackOf(pool, volume.Name, volume.Id, record?.Layers ?? []).PlanCloseAsync(cancellationToken));
            }
        }

        plan = plan
            .Then(Plan.Of(new ClosePool(context.Pools, request.Pool)))
            .Then(await context.Parts.BackendOf(request.Pool).PlanClosePoolAsync(request.Pool, cancellationToken));
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanCloseAsync(cancellationToken));
        }

        return plan.Then(Plan.Of(new MarkLocked(locked, request.Pool, wanted: true)));
    }
}

/// <summary>Opens the layers under a pool, and the pool.</summary>
internal sealed class PlanUnlockPool(LockedPools locked) : ChangePlanner<UnlockPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(UnlockPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        Plan plan = Plan.Of();
        foreach (LayerStack device in LockablePools.DevicesOf(request.Pool, context))
        {
            plan = plan.Then(await device.PlanOpenAsync(cancellationToken));
        }

        return plan.Then(Plan.Of(new MarkLocked(locked, request.Pool, wanted: false)));
    }
}

/// <summary>Gives the layers under a pool a new key, and forgets the one before.</summary>
internal sealed class PlanRekeyPool : ChangePlanner<RekeyPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RekeyPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        const int Distinct = 8;
        IReadOnlyList<LayerStack> devices = LockablePools.DevicesOf(request.Pool, context);
        KeyName newKey = ExportNames.Typed($"pool-{request.Pool}-{context.Operation.Id.ToString("N")[..Distinct]}", text => new KeyName(text));
        IReadOnlyList<KeyName> before = [.. (await PoolKeys.OfAsync(devices, cancellationToken)).Concat(StackPlanner.KeysOf(devices)).Distinct().Where(key => key != newKey)];
        Plan plan = await context.Parts.RequireKeys().PlanCreateAsync(newKey, StackPlanner.KeyLength, cancellationToken);
        foreach (StackedLayer stacked in devices.SelectMany(device => device.Layers))
        {
            plan = stacked.Layer is IRekeyableLayer rekeyable
                ? plan.Then(await rekeyable.PlanRekeyAsync(stacked.Site, newKey, cancellationToken))
                : throw new StorageException(StorageErrorKind.NotSupported, stacked.Site.Subject, $"{stacked.Layer.Kind} can't change its key");
        }

        context.Result("key", $"{newKey}");
        return plan.Then(await StackPlanner.PlanForgetAsync(context.Parts, before, cancellationToken));
    }
}
