namespace EveStorage.Qcow2Import;

/// <summary>Some clusters of a disk that go on from one another, read and compressed at once. It is used again and again.</summary>
internal sealed class ClusterGroup(Func<IClusterEncoder>? makeEncoder) : IDisposable
{
    private readonly byte[] _plain = GC.AllocateUninitializedArray<byte>(SavedLayout.GroupLength);
    private readonly byte[] _packed = makeEncoder is null ? [] : GC.AllocateUninitializedArray<byte>(SavedLayout.GroupLength);
    private readonly IClusterEncoder? _encoder = makeEncoder?.Invoke();
    private readonly int[] _lengths = new int[SavedLayout.GroupClusters];
    private int _packedLength;

    /// <summary>Which group of the disk it is.</summary>
    internal long Number { get; private set; }

    /// <summary>Of each cluster in the file: 0 where it reads as zero, a cluster's where it is plain.</summary>
    internal ReadOnlySpan<int> Lengths => _lengths;

    /// <summary>Its compressed clusters, one behind the other.</summary>
    internal ReadOnlyMemory<byte> Packed => _packed.AsMemory(0, _packedLength);

    /// <summary>Clusters as the disk has them.</summary>
    internal ReadOnlyMemory<byte> Plain(int first, int count) => _plain.AsMemory(first * SavedLayout.ClusterSize, count * SavedLayout.ClusterSize);

    /// <summary>A cluster of zeros, compressed.</summary>
    internal ReadOnlyMemory<byte> PackedZeros()
    {
        byte[] packed = new byte[SavedLayout.ClusterSize];
        return packed.AsMemory(0, _encoder!.Encode(new byte[SavedLayout.ClusterSize], packed));
    }

    /// <summary>Reads a group, and compresses what gets shorter by it.</summary>
    internal async Task FillAsync(IBlockSource blocks, long size, long number, CancellationToken cancellationToken)
    {
        Number = number;
        long at = number * SavedLayout.GroupLength;
        int length = (int)Math.Min(SavedLayout.GroupLength, size - at);
        await blocks.ReadAsync(at, _plain.AsMemory(0, length), cancellationToken);
        _plain.AsSpan(length).Clear();   // the last cluster may reach beyond the disk
        _packedLength = 0;
        for (int cluster = 0; cluster < _lengths.Length; cluster++)
        {
            _lengths[cluster] = Pack(Plain(cluster, 1).Span);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _encoder?.Dispose();

    private int Pack(ReadOnlySpan<byte> cluster)
    {
        if (!cluster.ContainsAnyExcept((byte)0))
        {
            return 0;
        }

        // One byte less than a cluster at least, so that the length alone tells which it is.
        int length = _encoder?.Encode(cluster, _packed.AsSpan(_packedLength, SavedLayout.ClusterSize - 1)) ?? 0;
        _packedLength += length;
        return length > 0 ? length : SavedLayout.ClusterSize;
    }
}
