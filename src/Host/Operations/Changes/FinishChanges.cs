using EveStorage.Cli.Api;
using EveStorage.Host.Lazy;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a volume an ordinary one, when all of its image is copied, and removes the map.</summary>
internal sealed class PlanFinishImport(LazyVolumes lazy) : ChangePlanner<FinishImport>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(FinishImport request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        if (ImageLayer.IsIn(record))
        {
            await lazy.RequireCopiedAsync(pool, request.Volume, record, cancellationToken);
        }
        else if (!context.Recovering && !lazy.Has(record.Id))   // the rest of one that was cut short is still to be done
        {
            throw new StorageException(StorageErrorKind.Conflict, request.Subject, "is an ordinary volume");
        }

        return Plan.Of(new MakeOrdinary(pool, request.Volume))
            .Then(await MapVolume.PlanDeleteAsync(pool, record, context, cancellationToken))
            .Then(Plan.Of(new ForgetVolume(lazy, pool, request.Volume, record.Id)));
    }
}
