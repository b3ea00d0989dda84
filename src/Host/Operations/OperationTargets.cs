using EveStorage.Cli.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations;

/// <summary>
/// What a request names and what already exists, by id. A request goes by names, and after a crash a name may be another
/// thing's: what was to be deleted then is not what has its name now.
/// </summary>
internal static class OperationTargets
{
    /// <summary>The ids as they are now: the pool's, those of the volumes that the operation owns, and the snapshot's.</summary>
    internal static async Task<Dictionary<string, Guid>> ReadAsync(
        OpenPools pools, ChangeRequest request, IEnumerable<VolumeName> owned, CancellationToken cancellationToken)
    {
        if (await TryOpenAsync(pools, request, cancellationToken) is not IStoragePool pool)
        {
            return [];
        }

        Dictionary<string, Guid> ids = new() { [$"pool:{pool.Name}"] = pool.Id };
        foreach (VolumeName name in owned)
        {
            if (await pool.FindVolumeAsync(name, cancellationToken) is VolumeInfo volume)
            {
                ids[$"{name}"] = volume.Id;
            }
        }

        if (request is SnapshotChange { Snapshot: SnapshotName named } && pool is ISnapshotPool snapshots && ids.ContainsKey($"{named.Volume}"))
        {
            await foreach (SnapshotInfo snapshot in snapshots.ListSnapshotsAsync(named.Volume, cancellationToken))
            {
                if (snapshot.Name == named)
                {
                    ids[$"{named}"] = snapshot.Id;
                }
            }
        }

        return ids;
    }

    /// <summary>What to say where a name has come to be another thing's; null where none has.</summary>
    internal static StorageException? FindReplaced(ChangeRequest request, IReadOnlyDictionary<string, Guid> then, Dictionary<string, Guid> now)
    {
        foreach ((string name, Guid id) in then)
        {
            if (now.TryGetValue(name, out Guid other) && other != id)
            {
                (string subject, string what) = name.StartsWith("pool:", StringComparison.Ordinal) ? ($"{request.Scope}", "pool")
                    : ($"{request.Scope}/{name}", name.Contains('@', StringComparison.Ordinal) ? "snapshot" : "volume");
                return new(StorageErrorKind.Conflict, subject, $"is another {what} now than when this was asked for: it is left alone; ask again if it is meant, too");
            }
        }

        return null;
    }

    // One that can't be opened now, as a locked one, names nothing: planning says what that means.
    private static async Task<IStoragePool?> TryOpenAsync(OpenPools pools, ChangeRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return request.Scope is PoolName name ? await pools.TryOpenAsync(name, cancellationToken) : null;
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
