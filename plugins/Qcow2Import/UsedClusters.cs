using System.Collections;

namespace EveStorage.Qcow2Import;

/// <summary>
/// Which clusters of the file have been met. A table or data that is met twice would let a small file stand for an
/// endless disk, and no writer of qcow2 makes one. The tables are met before the data.
/// </summary>
internal sealed class UsedClusters
{
    // A bit a cluster: 64 MiB for it at most.
    private const long MaxClusters = 512L << 20;

    private readonly BitArray _used;
    private readonly IImageSource _source;
    private readonly Qcow2Header _header;

    internal UsedClusters(IImageSource source, Qcow2Header header, Qcow2Tables tables)
    {
        long clusters = ((source.Length ?? 0) + header.ClusterSize - 1) >> header.ClusterBits;
        _used = clusters <= MaxClusters
            ? new((int)clusters)
            : throw new StorageException(StorageErrorKind.NotSupported, source.Name, $"has {clusters} clusters, more than {MaxClusters}: convert it to larger ones");
        _source = source;
        _header = header;
        Take(0);
        TakeTable(header.L1TableOffset, (long)header.L1Entries * sizeof(ulong));
        TakeTable(header.RefcountTableOffset, header.RefcountTableLength);
        for (int index = 0; index < tables.Count; index++)
        {
            if (tables.OffsetOf(index) != 0)
            {
                Take(tables.OffsetOf(index));
            }
        }
    }

    /// <summary>Takes the cluster at <paramref name="offset"/>.</summary>
    /// <exception cref="StorageException">It was taken before.</exception>
    internal void Take(long offset)
    {
        int cluster = (int)(offset >> _header.ClusterBits);
        if (_used[cluster])
        {
            throw new StorageException(StorageErrorKind.Corrupt, _source.Name, $"uses its cluster at {offset} twice");
        }

        _used[cluster] = true;
    }

    /// <summary>Checks that compressed bytes lie in no cluster that was taken. Compressed clusters may share one, and whether two are the same bytes is not kept.</summary>
    /// <exception cref="StorageException">They do.</exception>
    internal void RequireFree(long offset, int length)
    {
        for (long cluster = offset >> _header.ClusterBits; cluster << _header.ClusterBits < offset + length; cluster++)
        {
            if (_used[(int)cluster])
            {
                throw new StorageException(StorageErrorKind.Corrupt, _source.Name, $"has a compressed cluster at {offset}, within something else");
            }
        }
    }

    // QEMU reads what lies behind the end of the file as zeros, so that a table of zeros may.
    private void TakeTable(long offset, long length)
    {
        long end = Math.Min(offset + length, (long)_used.Length << _header.ClusterBits);
        for (long at = offset; at < end; at += _header.ClusterSize)
        {
            Take(at);
        }
    }
}
