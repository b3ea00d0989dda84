using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a declared pool, over the layers that the profile puts under it.</summary>
internal sealed class PlanCreatePool(TakenDrives taken, KnownPools known) : ChangePlanner<CreatePool>
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
        Plan plan = Plan.Of(new ForgetUndone(known, request.Pool), new ForgetDrives(taken, request.Pool)).Then(await StackPlanner.PlanKeysAsync(context.Parts, devices, cancellationToken));
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanFormatAsync(cancellationToken));
        }

        PoolSpec spec = new() { Name = request.Pool, Devices = [.. devices.Select(device => device.Path)], Redundancy = options.Redundancy };
        return plan.Then(await backend.PlanCreatePoolAsync(spec, cancellationToken)).Then(Plan.Of(new RememberPool(known, request.Pool)));
    }
}

/// <summary>Removes an empty pool, and the layers and keys under it.</summary>
internal sealed class PlanDeletePool(TakenDrives taken, KnownPools known) : ChangePlanner<DeletePool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeletePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = context.Parts.DevicesOf(request.Pool);
        await RequireSeenAsync(request.Pool, devices, context, cancellationToken);
        Plan delete = await context.Parts.BackendOf(request.Pool).PlanDeletePoolAsync(request.Pool, cancellationToken);
        Plan plan = Plan.Of(new ClosePool(context.Pools, request.Pool), new ForgetKnown(known, request.Pool)).Then(delete);
        IReadOnlyList<KeyName> keys = await KeyUse.OnlyOfAsync(request.Pool, await PoolKeys.OfAsync(devices, cancellationToken), context, cancellationToken);
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanEraseAsync(cancellationToken));
        }

        return plan
            .Then(await KeyUse.PlanForgetAsync(keys, context, cancellationToken))
            .Then(Plan.Of(new ForgetDrives(taken, request.Pool), new ForgetKnown(known, request.Pool)));   // again: another process may have looked at it meanwhile
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
        catch (StorageException e) when (context.Recovering && (e.Kind != StorageErrorKind.Unavailable || e is MissingPoolException))
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

/// <summary>Takes a pool that is missing for one that is gone for good, so that another of its name can be made.</summary>
internal sealed class PlanForgetPool(TakenDrives taken, KnownPools known) : ChangePlanner<ForgetPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ForgetPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        _ = context.Parts.OptionsOf(request.Pool);
        if (!context.Recovering)
        {
            await RequireMissingAsync(request.Pool, context, cancellationToken);
        }

        return Plan.Of(new ForgetDrives(taken, request.Pool), new ForgetKnown(known, request.Pool));
    }

    // One that can't be looked at for another reason, as a locked one, is not known to be missing.
    private static async Task RequireMissingAsync(PoolName pool, PlanningContext context, CancellationToken cancellationToken)
    {
        try
        {
            if (await context.Pools.TryOpenAsync(pool, cancellationToken) is not null)
            {
                throw new StorageException(StorageErrorKind.Conflict, $"{pool}", $"is here and not missing: `evestorage pool delete {pool}` removes it once it is empty");
            }
        }
        catch (MissingPoolException)
        {
            return;
        }

        throw new StorageException(StorageErrorKind.NotFound, $"{pool}", $"has not been here: `evestorage pool create {pool}` makes it");
    }
}
