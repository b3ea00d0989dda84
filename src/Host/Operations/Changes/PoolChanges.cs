using EveStorage.Host.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a declared pool, over the layers that the profile puts under it.</summary>
internal sealed class PlanCreatePool : ChangePlanner<CreatePool>
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

        IReadOnlyList<LayerStack> devices = context.Parts.DevicesOf(request.Pool);
        await StackPlanner.RequireAsync(
            request.Pool, devices.SelectMany(device => device.Layers).Select(stacked => stacked.Layer).Distinct(), cancellationToken);
        Plan plan = await StackPlanner.PlanKeysAsync(context.Parts, devices, cancellationToken);
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanFormatAsync(cancellationToken));
        }

        PoolSpec spec = new() { Name = request.Pool, Devices = [.. devices.Select(device => device.Path)], Redundancy = options.Redundancy };
        return plan.Then(await backend.PlanCreatePoolAsync(spec, cancellationToken));
    }
}

/// <summary>Removes an empty pool, and the layers and keys under it.</summary>
internal sealed class PlanDeletePool : ChangePlanner<DeletePool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeletePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        Plan delete = await context.Parts.BackendOf(request.Pool).PlanDeletePoolAsync(request.Pool, cancellationToken);
        Plan plan = Plan.Of(new ClosePool(context.Pools, request.Pool)).Then(delete);
        IReadOnlyList<LayerStack> devices = context.Parts.DevicesOf(request.Pool);
        IReadOnlyList<KeyName> keys = await PoolKeys.OfAsync(devices, cancellationToken);
        foreach (LayerStack device in devices)
        {
            plan = plan.Then(await device.PlanEraseAsync(cancellationToken));
        }

        return plan.Then(await StackPlanner.PlanForgetAsync(context.Parts, keys, cancellationToken));
    }
}

/// <summary>The keys of a pool.</summary>
internal static class PoolKeys
{
    /// <summary>Those that open the layers under it now, as they say themselves; those of the profile where they say nothing.</summary>
    internal static async Task<IReadOnlyList<KeyName>> OfAsync(IReadOnlyList<LayerStack> devices, CancellationToken cancellationToken)
    {
        HashSet<KeyName> keys = [];
        foreach (StackedLayer stacked in devices.SelectMany(device => device.Layers))
        {
            KeyName? said = stacked.Layer is IRekeyableLayer rekeyable ? await rekeyable.FindKeyAsync(stacked.Site, cancellationToken) : null;
            if ((said ?? stacked.Site.Key) is KeyName key)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }
}
