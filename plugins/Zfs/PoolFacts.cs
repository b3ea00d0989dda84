namespace EveStorage.Zfs;

/// <summary>Whose an imported pool is, and how it was made.</summary>
/// <param name="Comment">Who made it; null when it is not ours.</param>
/// <param name="Id">Its id; null while it is not finished.</param>
/// <param name="Name">The pool that it is.</param>
/// <param name="Operation">The operation that finished it.</param>
/// <param name="Redundancy">What it survives.</param>
/// <param name="Key">The key that opens its volumes; null when they are not encrypted.</param>
/// <param name="Drives">How its drives are called, by ZFS's ids of them.</param>
internal sealed record PoolFacts(OwnerMark? Comment, Guid? Id, string? Name, Guid? Operation, PoolRedundancy Redundancy, KeyName? Key, string? Drives)
{
    /// <summary>Looks; null when no such pool is imported.</summary>
    internal static async Task<PoolFacts?> FindAsync(Zpool zpool, CancellationToken cancellationToken)
    {
        if (await zpool.Tools.FindRowsAsync(zpool.Root, ["get", "-Hp", "-o", "value", "comment", zpool.Root], ofPools: true, cancellationToken) is not [[string comment]]
            || await zpool.FindAsync(
                zpool.Root, cancellationToken, Property.PoolId, Property.PoolName, Property.PoolOperation, Property.PoolRedundancy, Property.PoolKey, Property.PoolDrives) is not string?[] found)
        {
            return null;
        }

        return new(
            PoolComment.Read(comment), Guid.TryParse(found[0], out Guid id) ? id : null, found[1], Guid.TryParse(found[2], out Guid by) ? by : null,
            Enum.TryParse(found[3], out PoolRedundancy redundancy) ? redundancy : PoolRedundancy.None, found[4] is string key ? new KeyName(key) : null, found[5]);
    }

    /// <summary>Refuses a pool that is not ours, or another one of ours.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal void RequireOurs(PoolName name, string pool)
    {
        if (Comment is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"the ZFS pool {pool} is not ours: it stays as it is; choose another Pool");
        }

        if (Name is string other && other != $"{name}")
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"the ZFS pool {pool} is the pool {other}: choose another Pool");
        }
    }
}
