using System.Collections;

namespace EveStorage.Qcow2Import;

/// <summary>
/// Which clusters of the file have been met. A table or data that is met twice would let a small file stand for an
/// endless disk, and no writer of qcow2 makes one.
/// </summary>
internal sealed class UsedClusters
{
    // A bit a cluster: 64 MiB for it at most.
    private const long MaxClusters = 512L << 20;

    private readonly BitArray _used;
    private readonly IImageSource _source;
    private readonly Qcow2Header _header;

    internal UsedClusters(IImageSource source, Qcow2Header header)
    {
        long clusters = ((source.Length ?? 0) + header.ClusterSize - 1) >> header.ClusterBits;
        _used = clusters <= MaxClusters
            ? new((int)clusters)
            : throw new StorageException(StorageErrorKind.NotSupported, source.Name, $"has {clusters} clusters, more than {MaxClusters}: convert it to larger ones");
        _source = source;
        _header = header;
        Take(0);
        long l1End = header.L1TableOffset + ((long)header.L1Entries * sizeof(ulong));
        for (long at = header.L1TableOffset; at < l1End; at += header.ClusterSize)
        {
            Take(at);
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
}
