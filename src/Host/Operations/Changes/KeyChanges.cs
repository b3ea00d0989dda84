using EveStorage.Host.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a key.</summary>
internal sealed class PlanCreateKey : ChangePlanner<CreateKey>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreateKey request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Parts.RequireKeys().PlanCreateAsync(request.Key, request.Length ?? StackPlanner.KeyLength, cancellationToken);
}

/// <summary>Removes a key that nothing on record needs.</summary>
internal sealed class PlanDeleteKey : ChangePlanner<DeleteKey>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeleteKey request, PlanningContext context, CancellationToken cancellationToken)
    {
        foreach (PoolName name in context.Parts.PoolNames)
        {
            if ((await PoolKeys.OfAsync(context.Parts.DevicesOf(name), cancellationToken)).Contains(request.Key))
            {
                throw new StorageException(StorageErrorKind.Busy, $"{request.Key}", $"opens pool {name}, which would be lost with it");
            }

            if (await context.Pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool
                && await KeyUse.FindAsync(pool, request.Key, except: null, cancellationToken) is VolumeName volume)
            {
                throw new StorageException(StorageErrorKind.Busy, $"{request.Key}", $"is needed by {name}/{volume}: delete that, or end its export, first");
            }
        }

        return await context.Parts.RequireKeys().PlanDeleteAsync(request.Key, cancellationToken);
    }
}

/// <summary>Who needs a key.</summary>
internal static class KeyUse
{
    /// <summary>A volume whose record names it: for a layer, or for an export.</summary>
    internal static async Task<VolumeName?> FindAsync(IStoragePool pool, KeyName key, VolumeName? except, CancellationToken cancellationToken)
    {
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            if (volume.Name != except && await pool.Records.FindAsync(volume.Name, cancellationToken) is VolumeRecord record
                && record.Layers.Select(layer => layer.Key)
                    .Concat(record.Exports.SelectMany(export => export.AllowedHosts.Values.Concat(export.ControllerKeys.Values))).Contains($"{key}"))
            {
                return volume.Name;
            }
        }

        return null;
    }
}
