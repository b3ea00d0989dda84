namespace EveStorage.Lvm;

/// <summary>The records of a pool's volumes, by the ids that stand in the tags of their logical volumes: a rename leaves them as they are.</summary>
internal sealed class LvmRecords(LvmPool pool) : IPoolRecords
{
    public async ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken)
        => await pool.FindAsync(name, cancellationToken) is { Tags.Id: Guid id } ? Read(id, pool.Subject(name)) : null;

    public async ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"record of {pool.Subject(name)}", cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        LogicalVolume volume = LvmPool.VolumeIn(all, name)
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "is no volume of ours");
        if (volume.Tags.Id != record.Id || !record.Mark.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), $"has the id {volume.Tags.Id} for life, and stays ours");
        }

        Write(record, pool.Subject(name), all);
    }

    /// <summary>The record of a volume that is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is lost.</exception>
    internal VolumeRecord Read(Guid id, string subject)
        => pool.Area.Find(id) is byte[] document
            ? VolumeDocument.Read(document, subject)
            : throw new StorageException(StorageErrorKind.Corrupt, subject, $"has lost its record, both copies of it, in {pool.Group.Subject(LvName.Records)}");

    /// <summary>Writes a record. The caller holds the pool's lock, and knows every logical volume.</summary>
    internal void Write(VolumeRecord record, string subject, IReadOnlyList<LogicalVolume> all)
        => pool.Area.Write(record.Id, VolumeDocument.Write(record, subject), all.Where(lv => lv.Tags.IsOurs).Select(lv => lv.Tags.Id).OfType<Guid>().ToHashSet());
}
