using EveStorage.Host.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a volume: of the pool what the pool has, and the rest of the profile's layers.</summary>
internal sealed class PlanCreateVolume : ChangePlanner<CreateVolume>
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CreateVolume request, Guid operation) => [$"{request.Volume}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreateVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeSpec spec = new()
        {
            Name = request.Volume,
            Form = request.Form,
            Size = request.Size,
            Quota = request.Quota,
            Reservation = request.Reservation,
            Traits = request.Traits,
        };
        (VolumeStack _, Plan plan) = await StackPlanner.PlanCreateAsync(
            pool, spec, context.Operation.Ids[$"{request.Volume}"], context.Parts.LayersOf(request.Pool), cancellationToken);
        return plan;
    }
}

/// <summary>Grows a volume, and tells the hosts that have it.</summary>
internal sealed class PlanResizeVolume : ChangePlanner<ResizeVolume>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ResizeVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeInfo volume = await RequireAsync(pool, request.Volume, cancellationToken);
        if (pool is not IResizablePool resizable)
        {
            throw new StorageException(StorageErrorKind.NotSupported, request.Subject, "its pool can't grow a volume: import it into a larger one");
        }

        Plan plan = await resizable.PlanGrowAsync(request.Volume, request.Size, cancellationToken);
        foreach ((string _, IVolumeTransport transport) in context.Parts.MadeTransports())
        {
            plan = plan.Then(await transport.PlanResizeAsync(volume.Id, cancellationToken));
        }

        return plan;
    }
}

/// <summary>Removes a volume that nobody is served.</summary>
internal sealed class PlanDeleteVolume : ChangePlanner<DeleteVolume>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeleteVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        if (!context.Recovering)
        {
            VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
            if (record.Exports.Count > 0)
            {
                throw new StorageException(
                    StorageErrorKind.Busy, request.Subject, $"is exported by {string.Join(", ", record.Exports.Select(export => export.Transport))}: `evestorage export remove {request.Subject}`");
            }
        }

        Plan plan = Plan.Of();
        if (request.WithSnapshots && pool is ISnapshotPool snapshots && await pool.FindVolumeAsync(request.Volume, cancellationToken) is not null)
        {
            await foreach (SnapshotInfo snapshot in snapshots.ListSnapshotsAsync(request.Volume, cancellationToken))
            {
                plan = plan.Then(await snapshots.PlanDeleteSnapshotAsync(snapshot.Name, cancellationToken));
            }

            // The backend refuses a volume that has snapshots when it plans; these go in the steps before.
            return plan.Then(Plan.Of(new Steps.DeleteOnceBare(pool, request.Volume)));
        }

        return await pool.PlanDeleteAsync(request.Volume, cancellationToken);
    }
}
