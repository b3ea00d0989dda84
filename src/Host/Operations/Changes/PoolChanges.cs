using EveStorage.Host.Api;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a declared pool.</summary>
internal sealed class PlanCreatePool : ChangePlanner<CreatePool>
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CreatePool request, Guid operation) => [$"pool:{request.Pool}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreatePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        PoolOptions options = context.Parts.OptionsOf(request.Pool);
        IStorageBackend backend = context.Parts.BackendOf(request.Pool);
        ProbeResult probe = await backend.ProbeAsync(cancellationToken);
        return probe.Capabilities is not null
            ? await backend.PlanCreatePoolAsync(new() { Name = request.Pool, Devices = options.Devices, Redundancy = options.Redundancy }, cancellationToken)
            : throw new StorageException(StorageErrorKind.Unavailable, $"{request.Pool}", string.Join("; ", probe.Missing));
    }
}

/// <summary>Removes an empty pool.</summary>
internal sealed class PlanDeletePool : ChangePlanner<DeletePool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeletePool request, PlanningContext context, CancellationToken cancellationToken)
    {
        Plan delete = await context.Parts.BackendOf(request.Pool).PlanDeletePoolAsync(request.Pool, cancellationToken);
        return Plan.Of(new ClosePool(context.Pools, request.Pool)).Then(delete);
    }
}
