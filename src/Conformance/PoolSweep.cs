namespace EveStorage.Conformance;

/// <summary>Removes what a promise made in a pool, and nothing else.</summary>
internal static class PoolSweep
{
    internal static async Task RunAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        foreach (VolumeInfo volume in await pool.ListVolumesAsync(cancellationToken).ToListAsync(cancellationToken))
        {
            if (await pool.Records.FindAsync(volume.Name, cancellationToken) is not VolumeRecord record || !PoolConformance.IsOfCase(record.Mark.Operation))
            {
                throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{volume.Name}", "is there and was not made by a promise");
            }

            if (pool is ISnapshotPool snapshots)
            {
                foreach (SnapshotInfo snapshot in await snapshots.ListSnapshotsAsync(volume.Name, cancellationToken).ToListAsync(cancellationToken))
                {
                    await run(await snapshots.PlanDeleteSnapshotAsync(snapshot.Name, cancellationToken), Promise.NewRequest(), cancellationToken);
                }
            }

            await run(await pool.PlanDeleteAsync(volume.Name, cancellationToken), Promise.NewRequest(), cancellationToken);
        }
    }
}
