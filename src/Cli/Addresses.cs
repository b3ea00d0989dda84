using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>Fills in the pool that a person left out.</summary>
internal static class Addresses
{
    /// <summary>The pool of a volume that exists.</summary>
    internal static async Task<PoolName> PoolOfAsync(VolumeAddress address, IStorageApi api, CancellationToken cancellationToken)
    {
        if (address.Pool is PoolName named)
        {
            return named;
        }

        VolumeReport[] found = [.. (await api.ListVolumesAsync(null, cancellationToken)).Where(volume => volume.Name == address.Volume)];
        if (found is [VolumeReport only])
        {
            await UnseenPools.RequireNoneAsync(address, only.Pool, api, cancellationToken);
            return only.Pool;
        }

        throw found switch
        {
            [] => new StorageException(StorageErrorKind.NotFound, $"{address}", $"is in no pool: see `evestorage volume list`{await UnseenPools.SaidAsync(api, cancellationToken)}"),
            _ => new StorageException(
                StorageErrorKind.InvalidConfiguration, $"{address}", $"is in several pools: name one of {string.Join(", ", found.Select(volume => $"{volume.Pool}/{volume.Name}"))}"),
        };
    }

    /// <summary>The pool for a volume to be made: the only one that there is, and that can have one of its form.</summary>
    internal static async Task<PoolName> PoolForNewAsync(VolumeAddress address, IStorageApi api, CancellationToken cancellationToken, VolumeForm form = VolumeForm.Block)
    {
        if (address.Pool is PoolName named)
        {
            return named;
        }

        PoolReport[] pools = [.. (await api.ListPoolsAsync(cancellationToken)).Where(pool => pool.Created)];
        PoolReport[] able = [.. pools.Where(pool => pool.Forms.Contains(form))];
        PoolReport[] fit = able.Length > 0 ? able : pools;
        if (fit is [PoolReport only])
        {
            await UnseenPools.RequireNoneAsync(address, only.Name, api, cancellationToken);
            return only.Name;
        }

        throw fit switch
        {
            [] => new StorageException(StorageErrorKind.NotFound, $"{address}", $"has no pool to be in: make one with `evestorage pool create`{await UnseenPools.SaidAsync(api, cancellationToken)}"),
            _ => new StorageException(
                StorageErrorKind.InvalidConfiguration, $"{address}", $"could be in several pools: write one of {string.Join(", ", fit.Select(pool => $"{pool.Name}/{address.Volume}"))}"),
        };
    }
}
