using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;

namespace EveStorage.Host.FileSystems;

/// <summary>A file system as its record has it.</summary>
internal sealed record RecordedMount(IStoragePool Pool, VolumeName Volume, VolumeRecord Record, MountRecord Mount)
{
    /// <summary>As a person types it.</summary>
    internal string Subject => $"{Pool.Name}/{Volume}";
}

/// <summary>The file systems of every pool that is open, or can be opened, by their records.</summary>
internal sealed class RecordedMounts(StorageParts parts, OpenPools pools)
{
    /// <summary>All of them; what lies beneath another comes after it. A pool that can't be opened now has none that could be mounted.</summary>
    internal Task<IReadOnlyList<RecordedMount>> ReadAsync(CancellationToken cancellationToken)
        => ReadAsync(async pool => await ReadAsync(pool, cancellationToken), cancellationToken);

    private async Task<IReadOnlyList<RecordedMount>> ReadAsync(Func<IStoragePool, Task<IEnumerable<RecordedMount>>> read, CancellationToken cancellationToken)
    {
        List<RecordedMount> found = [];
        foreach (PoolName name in parts.PoolNames)
        {
            try
            {
                if (await pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool)
                {
                    found.AddRange(await read(pool));
                }
            }
            catch (StorageException)
            {
                // said by the pool's own status
            }
        }

        return InOrder(found);
    }

    /// <summary>Those of one pool, in the same order.</summary>
    internal static async Task<IReadOnlyList<RecordedMount>> ReadAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        List<RecordedMount> found = [];
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            if (await pool.Records.FindAsync(volume.Name, cancellationToken) is { Mount: MountRecord mount } record && !volume.Name.IsTemporary)
            {
                found.Add(new(pool, volume.Name, record, mount));
            }
        }

        return InOrder(found);
    }

    /// <summary>
    /// Refuses a place that another file system has, or that lies in one which is not mounted: that would hide this one when it is.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>, or <see cref="StorageErrorKind.Unavailable"/>.</exception>
    internal async Task RequireFreeAsync(string at, string subject, KnownRecords records, CancellationToken cancellationToken)
    {
        IReadOnlyList<RecordedMount> near = await ReadAsync(
            async pool => (await records.OfAsync(pool, cancellationToken)).Where(known => known.Value.Mount is MountRecord mount && (mount.At == at || MountPoints.IsBeneath(at, mount.At)) && !known.Key.IsTemporary)
                .Select(known => new RecordedMount(pool, known.Key, known.Value, known.Value.Mount!)),
            cancellationToken);
        foreach (RecordedMount other in near.Where(other => other.Subject != subject))
        {
            if (other.Mount.At == at)
            {
                throw new StorageException(StorageErrorKind.Conflict, subject, $"can't be mounted at {at}, which is the place of {other.Subject}: choose another with --at");
            }

            if (!await IsMountedAsync(other, cancellationToken))
            {
                throw new StorageException(StorageErrorKind.Unavailable, subject, $"is to be mounted at {at}, which lies in {other.Subject}: `evestorage fs mount {other.Subject}` first");
            }
        }
    }

    /// <summary>Whether one is mounted where it is to be.</summary>
    internal Task<bool> IsMountedAsync(RecordedMount mount, CancellationToken cancellationToken)
        => parts.StackOf(mount.Pool, mount.Volume, mount.Record.Id, mount.Record).IsOpenAsync(cancellationToken);

    /// <summary>Those that are to be mounted and are not.</summary>
    internal async Task<IReadOnlyList<Finding>> FindLackingAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        foreach (RecordedMount mount in (await ReadAsync(cancellationToken)).Where(mount => mount.Mount.Wanted))
        {
            try
            {
                if (!await IsMountedAsync(mount, cancellationToken))
                {
                    findings.Add(new(mount.Subject, $"is to be mounted at {mount.Mount.At} and is not", $"evestorage fs mount {mount.Subject}"));
                }
            }
            catch (StorageException e)
            {
                findings.Add(new(mount.Subject, e.Message, null));
            }
        }

        return findings;
    }

    private static IReadOnlyList<RecordedMount> InOrder(IEnumerable<RecordedMount> mounts)
        => [.. mounts.OrderBy(mount => MountPoints.DepthOf(mount.Mount)).ThenBy(mount => mount.Mount.At, StringComparer.Ordinal)];
}
