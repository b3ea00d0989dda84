using EveStorage.Host.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>A pool whose drives can be changed.</summary>
internal static class DrivePools
{
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: its drives can't be changed.</exception>
    internal static async Task<IDrivePool> OpenAsync(PoolChange request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) as IDrivePool
            ?? throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "its backend has no drives that can be changed");

    /// <summary>A new device under the layers that the pool's others have.</summary>
    internal static async Task<(LayerStack Stack, Plan Plan)> PlanDeviceAsync(PoolName pool, string device, PlanningContext context, CancellationToken cancellationToken)
    {
        LayerStack stack = DeviceStacks.Of(pool, [device], context.Parts.LayersOf(pool))[0];
        return (stack, await stack.PlanFormatAsync(cancellationToken));
    }
}

/// <summary>Takes a drive into a pool.</summary>
internal sealed class PlanAddDrive : ChangePlanner<AddDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(AddDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        (LayerStack stack, Plan plan) = await DrivePools.PlanDeviceAsync(request.Pool, request.Device, context, cancellationToken);
        return plan.Then(await pool.PlanAddDriveAsync(stack.Path, cancellationToken));
    }
}

/// <summary>Puts a drive in the place of another.</summary>
internal sealed class PlanReplaceDrive : ChangePlanner<ReplaceDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ReplaceDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        (LayerStack stack, Plan plan) = await DrivePools.PlanDeviceAsync(request.Pool, request.Device, context, cancellationToken);
        LayerStack replaced = DeviceStacks.Of(request.Pool, [request.Drive], context.Parts.LayersOf(request.Pool))[0];
        string drive = replaced.Layers.Count > 0 && await replaced.IsOpenAsync(cancellationToken) ? replaced.Path : request.Drive;
        return plan.Then(await pool.PlanReplaceDriveAsync(drive, stack.Path, cancellationToken));
    }
}

/// <summary>Moves everything off a drive and lets it go.</summary>
internal sealed class PlanRemoveDrive : ChangePlanner<RemoveDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RemoveDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        LayerStack stack = DeviceStacks.Of(request.Pool, [request.Drive], context.Parts.LayersOf(request.Pool))[0];
        Plan remove = await pool.PlanRemoveDriveAsync(stack.Layers.Count > 0 ? stack.Path : request.Drive, cancellationToken);
        return remove.Then(await stack.PlanEraseAsync(cancellationToken));
    }
}

/// <summary>Starts a check of all that a pool holds.</summary>
internal sealed class PlanScrubPool : ChangePlanner<ScrubPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ScrubPool request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) is IScrubbablePool pool
            ? await pool.PlanScrubAsync(cancellationToken)
            : throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "has no redundancy that could be checked");
}
