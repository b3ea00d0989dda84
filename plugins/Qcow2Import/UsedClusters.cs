namespace EveStorage.Qcow2Import;

/// <summary>
/// Which clusters of the file have been met. A table or data that is met twice would let a small file stand for an
/// endless disk, and no writer of qcow2 makes one. The tables are met before the data.
/// </summary>
internal sealed class UsedClusters
{
    // A bit a cluster: 64 MiB for it at most.
    private const long MaxClusters = 512L << 20;
    private const int BitsInWord = 64;

    private readonly IImageSource _source;
    private readonly Qcow2Header _header;

    // It grows with the highest cluster that is met: a stream has no length before its end, and a file may be sparse.
    private ulong[] _used = new ulong[1024];

    internal UsedClusters(IImageSource source, Qcow2Header header, Qcow2Tables tables)
    {
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

    /// <summary>Takes what an entry maps. Compressed clusters may share one, and whether two are the same bytes is not kept.</summary>
    /// <exception cref="StorageException">It was taken before.</exception>
    internal void Take(Qcow2Cluster cluster)
    {
        if (cluster.IsCompressed)
        {
            RequireFree(cluster.Offset, cluster.CompressedLength);
        }
        else if (cluster.Offset != 0 && !_header.HasDataFile)
        {
            Take(cluster.Offset);
        }
    }

    private void Take(long offset)
    {
        long cluster = offset >> _header.ClusterBits;
        if (cluster >= MaxClusters)
        {
            throw new StorageException(
                StorageErrorKind.NotSupported, _source.Name, $"has a cluster at {offset}, beyond {MaxClusters} of them: convert it to larger ones");
        }

        int word = (int)(cluster / BitsInWord);
        if (word >= _used.Length)
        {
            Array.Resize(ref _used, (int)Math.Min(MaxClusters / BitsInWord, Math.Max(word + 1L, _used.Length * 2L)));
        }

        ulong bit = 1UL << (int)(cluster % BitsInWord);
        if ((_used[word] & bit) != 0)
        {
            throw new StorageException(StorageErrorKind.Corrupt, _source.Name, $"uses its cluster at {offset} twice");
        }

        _used[word] |= bit;
    }

    private void RequireFree(long offset, int length)
    {
        for (long cluster = offset >> _header.ClusterBits; cluster << _header.ClusterBits < offset + length; cluster++)
        {
            if (cluster / BitsInWord < _used.Length && (_used[cluster / BitsInWord] >> (int)(cluster % BitsInWord) & 1) != 0)
            {
                throw new StorageException(StorageErrorKind.Corrupt, _source.Name, $"has a compressed cluster at {offset}, within something else");
            }
        }
    }

    // QEMU reads what lies behind the end of the file as zeros, so that a table of zeros may.
    private void TakeTable(long offset, long length)
    {
        long end = Math.Min(offset + length, _source.Length ?? long.MaxValue);
        for (long at = offset; at < end; at += _header.ClusterSize)
        {
            Take(at);
        }
    }
}
