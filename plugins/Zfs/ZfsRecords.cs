namespace EveStorage.Zfs;

/// <summary>The records of a pool's volumes, as properties of the volumes themselves: they go where the volume goes.</summary>
internal sealed class ZfsRecords(ZfsPool pool) : IPoolRecords
{
    public async ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken)
    {
        Dictionary<string, string> properties = await pool.Zpool.PropertiesAsync(pool.Zpool.DatasetOf(name), cancellationToken);
        return !properties.ContainsKey(Property.VolumeId) ? null
            : RecordText.Read(properties, pool.Subject(name)) is byte[] document ? VolumeDocument.Read(document, pool.Subject(name))
            : throw new StorageException(StorageErrorKind.Corrupt, pool.Subject(name), "has lost its record in ZFS's properties");
    }

    public async ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"record of {pool.Subject(name)}", cancellationToken);
        string dataset = pool.Zpool.DatasetOf(name);
        Dictionary<string, string> before = await pool.Zpool.PropertiesAsync(dataset, cancellationToken);
        if (!before.TryGetValue(Property.VolumeId, out string? id))
        {
            throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "is no volume of ours");
        }

        if (!Guid.TryParse(id, out Guid there) || there != record.Id || !record.Mark.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), $"has the id {id} for life, and stays ours");
        }

        await pool.Zpool.SetAsync(dataset, RecordText.Write(VolumeDocument.Write(record, pool.Subject(name)), before.Keys), cancellationToken);
    }
}
