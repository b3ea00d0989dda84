using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations.Steps;

namespace EveStorage.Host.Operations.Changes;

/// <summary>A pool whose drives can be changed.</summary>
internal static class DrivePools
{
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: its drives can't be changed.</exception>
    internal static async Task<IDrivePool> OpenAsync(PoolChange request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) as IDrivePool
            ?? throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "its backend has no drives that can be changed");

    /// <summary>A new device under the layers that the pool's others have, known to every start from now on.</summary>
    internal static async Task<(LayerStack Stack, Plan Plan)> PlanDeviceAsync(
        PoolName pool, string device, TakenDrives taken, PlanningContext context, CancellationToken cancellationToken)
    {
        LayerStack stack = await context.Parts.DeviceOfAsync(pool, device, cancellationToken);
        Plan plan = Plan.Of();
        if (!context.Parts.OptionsOf(pool).Devices.Contains(stack.Device))
        {
            plan = Plan.Of(new RememberDrive(taken, pool, stack.Device));
            context.Result("add-to-profile", stack.Device);
        }

        return (stack, plan.Then(await stack.PlanFormatAsync(cancellationToken)));
    }

    /// <summary>
    /// A drive of the pool by what anybody calls it: the profile, a person, or the pool's status. With what the pool itself calls it,
    /// and with its layers if they are known.
    /// </summary>
    internal static async Task<(LayerStack? Stack, string Name)> FindAsync(IDrivePool pool, string drive, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = context.Parts.DevicesOf(pool.Name);
        IReadOnlyList<DriveStatus> drives = (await pool.GetStatusAsync(cancellationToken)).Drives;
        LayerStack? stack = devices.FirstOrDefault(device => device.IsCalled(drive))
            ?? (drives.FirstOrDefault(status => status.Name == drive) is DriveStatus named ? devices.FirstOrDefault(device => IsOf(named, device)) : null);
        if (stack is null)
        {
            return (null, drive);
        }

        return (stack, stack.Layers.Count == 0 ? drive : drives.FirstOrDefault(status => IsOf(status, stack))?.Name ?? stack.Path);
    }

    /// <summary>Plans that a drive goes. After a crash it may have gone already: the rest is still to be done then.</summary>
    internal static async Task<Plan> PlanGoingAsync(IDrivePool pool, LayerStack? drive, Func<ValueTask<Plan>> plan, PlanningContext context, CancellationToken cancellationToken)
        => context.Recovering && drive is not null && !(await pool.GetStatusAsync(cancellationToken)).Drives.Any(status => IsOf(status, drive))
            ? Plan.Of()
            : await plan();

    // One that is missing is known by its name alone.
    private static bool IsOf(DriveStatus drive, LayerStack device) => device.IsCalled(drive.Path ?? drive.Name);
}

/// <summary>Takes a drive into a pool.</summary>
internal sealed class PlanAddDrive(TakenDrives taken) : ChangePlanner<AddDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(AddDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        (LayerStack stack, Plan plan) = await DrivePools.PlanDeviceAsync(request.Pool, request.Device, taken, context, cancellationToken);
        return plan.Then(await pool.PlanAddDriveAsync(stack.Path, cancellationToken));
    }
}

/// <summary>Puts a drive in the place of another.</summary>
internal sealed class PlanReplaceDrive(TakenDrives taken, IEventSink events) : ChangePlanner<ReplaceDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ReplaceDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        (LayerStack stack, Plan plan) = await DrivePools.PlanDeviceAsync(request.Pool, request.Device, taken, context, cancellationToken);
        (LayerStack? old, string name) = await DrivePools.FindAsync(pool, request.Drive, context, cancellationToken);
        plan = plan.Then(await DrivePools.PlanGoingAsync(pool, old, () => pool.PlanReplaceDriveAsync(name, stack.Path, cancellationToken), context, cancellationToken));
        return old is null ? plan : plan.Then(LeavingDrives.PlanAfter(request.Pool, old, old.Layers.Count > 0 ? [new EraseReplaced(request.Pool, old, events)] : [], taken, context));
    }
}

/// <summary>Moves everything off a drive and lets it go.</summary>
internal sealed class PlanRemoveDrive(TakenDrives taken) : ChangePlanner<RemoveDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RemoveDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDrivePool pool = await DrivePools.OpenAsync(request, context, cancellationToken);
        (LayerStack? stack, string name) = await DrivePools.FindAsync(pool, request.Drive, context, cancellationToken);
        Plan remove = await DrivePools.PlanGoingAsync(pool, stack, () => pool.PlanRemoveDriveAsync(name, cancellationToken), context, cancellationToken);
        return stack is null ? remove : remove.Then(LeavingDrives.PlanAfter(request.Pool, stack, (await stack.PlanEraseAsync(cancellationToken)).Steps, taken, context));
    }
}

/// <summary>What a drive that left a pool leaves behind.</summary>
internal static class LeavingDrives
{
    /// <summary>Its layers are erased, and no start looks for it any more.</summary>
    internal static Plan PlanAfter(PoolName pool, LayerStack drive, IReadOnlyList<StorageStep> erasing, TakenDrives taken, PlanningContext context)
    {
        if (context.Parts.OptionsOf(pool).Devices.FirstOrDefault(named => DeviceNames.AreSame(named, drive.Device)) is string named)
        {
            context.Result("remove-from-profile", named);
        }

        return new([.. erasing, new ForgetDrives(taken, pool, drive.Device)]);
    }
}
