using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a declared pool, over the layers that the profile puts under it.</summary>
internal sealed class PlanCreatePool(TakenDrives taken) : ChangePlanner<CreatePool>
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CreatePool request, Guid operation) => [$"pool:{request.Pool}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreatePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        PoolOptions options = context.Parts.OptionsOf(request.Pool);
        IStorageBackend backend = context.Parts.BackendOf(request.Pool);
        if (!context.Recovering && await context.Pools.TryOpenAsync(request.Pool, cancellationToken) is not null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{request.Pool}", $"exists: see `evestorage pool status {request.Pool}`");
        }

        ProbeResult probe = await backend.ProbeAsync(cancellationToken);
        if (probe.Capabilities is null)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{request.Pool}", string.Join("; ", probe.Missing));
        }

        IReadOnlyList<LayerStack> devices = context.Parts.DeclaredDevicesOf(request.Pool);
        await StackPlanner.RequireAsync(
            request.Pool, devices.SelectMany(device => device.Layers).Select(stacked => (stacked.Kind, stacked.Layer)).Distinct(), cancellationToken);
        Plan plan = Plan.Of(new ForgetDrives(taken, request.Pool)).Then(await StackPlanner.PlanKeysAsync(context.Parts, devices, cancellationToken));
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanFormatAsync(cancellationToken));
        }

        PoolSpec spec = new() { Name = request.Pool, Devices = [.. devices.Select(device => device.Path)], Redundancy = options.Redundancy };
        return plan.Then(await backend.PlanCreatePoolAsync(spec, cancellationToken));
    }
}

/// <summary>Removes an empty pool, and the layers and keys under it.</summary>
internal sealed class PlanDeletePool(TakenDrives taken) : ChangePlanner<DeletePool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeletePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = context.Parts.DevicesOf(request.Pool);
        await RequireSeenAsync(request.Pool, devices, context, cancellationToken);
        Plan delete = await context.Parts.BackendOf(request.Pool).PlanDeletePoolAsync(request.Pool, cancellationToken);
        Plan plan = Plan.Of(new ClosePool(context.Pools, request.Pool)).Then(delete);
        IReadOnlyList<KeyName> keys = await KeyUse.OnlyOfAsync(request.Pool, await PoolKeys.OfAsync(devices, cancellationToken), context, cancellationToken);
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanEraseAsync(cancellationToken));
        }

        return plan
            .Then(await KeyUse.PlanForgetAsync(keys, context, cancellationToken))
            .Then(Plan.Of(new ForgetDrives(taken, request.Pool)));
    }

    // To a backend a pool under closed layers, or on a drive that is away, is none, and there would be nothing to keep its volumes from
    // being erased.
    private static async Task RequireSeenAsync(PoolName pool, IReadOnlyList<LayerStack> devices, PlanningContext context, CancellationToken cancellationToken)
    {
        if (devices.FirstOrDefault(device => device.IsAbsent) is LayerStack absent)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{pool}", absent.AbsentMessage);
        }

        try
        {
            await context.Pools.TryOpenAsync(pool, cancellationToken);
        }
        catch (StorageException e) when (context.Recovering && e.Kind != StorageErrorKind.Unavailable)
        {
            return;   // it was seen empty when this was asked for, and layers of it may be half erased
        }

        foreach (LayerStack device in context.Recovering ? [] : devices)
        {
            if (await PoolKeys.AnyIsThereAsync(device, cancellationToken) && !await device.IsOpenAsync(cancellationToken))
            {
                throw new StorageException(
                    StorageErrorKind.Unavailable, $"{pool}", $"{device.Device} is encrypted and not open, so that nobody sees what it holds: bring its key, or take it out of the profile and wipe it yourself");
            }
        }
    }
}
