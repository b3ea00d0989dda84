using System.Buffers.Binary;

namespace EveStorage.Qcow2Import;

/// <summary>The image that is written, from where it is: whole groups of clusters, and what lies between.</summary>
internal sealed class SavedImage(Stream image, string subject)
{
    private static readonly byte[] s_zeros = new byte[SavedLayout.ClusterSize];

    /// <summary>Whether it takes bytes in any order.</summary>
    internal bool CanSeek => image.CanSeek;

    /// <summary>Where it is.</summary>
    internal long Position { get; private set; }

    /// <summary>Goes to <paramref name="offset"/>, by zeros where the image is a stream.</summary>
    internal async ValueTask GoToAsync(long offset, CancellationToken cancellationToken)
    {
        if (image.CanSeek)
        {
            image.Position = Position = offset;
        }

        while (Position < offset)
        {
            await WriteAsync(s_zeros.AsMemory(0, (int)Math.Min(s_zeros.Length, offset - Position)), cancellationToken);
        }
    }

    /// <summary>Writes.</summary>
    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await image.WriteAsync(bytes, cancellationToken);
        Position += bytes.Length;
    }

    /// <summary>Writes a group where it is, as <see cref="SavedLayout"/> laid it out.</summary>
    /// <param name="group">The group.</param>
    /// <param name="places">How long the place of each cluster is. A group that was measured before may have other content by now.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: a cluster has become longer than its place.</exception>
    internal async ValueTask WriteGroupAsync(ClusterGroup group, ReadOnlyMemory<int> places, CancellationToken cancellationToken)
    {
        if (group.Lengths.SequenceEqual(places.Span))
        {
            await WriteAsync(group.Packed, cancellationToken);
        }
        else
        {
            await WriteChangedAsync(group, places, cancellationToken);
        }

        for (int first = 0; first < places.Length; first++)
        {
            int count = places.Span[first..].IndexOfAnyExcept(SavedLayout.ClusterSize);
            count = count < 0 ? places.Length - first : count;
            if (count > 0)
            {
                await GoToAsync(SavedLayout.RoundUp(Position), cancellationToken);
                await WriteAsync(group.Plain(first, count), cancellationToken);
                first += count;
            }
        }
    }

    /// <summary>Writes the header and the L1 table.</summary>
    internal async ValueTask WriteHeaderAsync(
        SavedLayout layout, long size, Qcow2Compression? compression, long countTable, int countClusters, CancellationToken cancellationToken)
    {
        byte[] header = new byte[SavedLayout.ClusterSize];
        U32(0, Qcow2Header.Magic);
        U32(4, 3);
        U32(20, SavedLayout.ClusterBits);
        U64(24, size);
        U32(36, (uint)layout.Tables);
        U64(40, SavedLayout.L1Offset);
        U64(48, countTable);
        U32(56, (uint)countClusters);
        U64(72, (long)(compression == Qcow2Compression.Zstd ? Qcow2Features.CompressionType : Qcow2Features.None));
        U32(96, SavedLayout.CountOrder);
        U32(100, Qcow2HeaderView.MaxLength);
        header[Qcow2HeaderView.V3Length] = (byte)(compression ?? Qcow2Compression.Deflate);
        await WriteAsync(header, cancellationToken);
        await WriteAsync(layout.L1, cancellationToken);

        void U32(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(at), value);
        void U64(int at, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(at), value);
    }

    // A cluster that became shorter leaves bytes behind it, which no decoder looks at.
    private async ValueTask WriteChangedAsync(ClusterGroup group, ReadOnlyMemory<int> places, CancellationToken cancellationToken)
    {
        int at = 0;
        for (int cluster = 0; cluster < places.Length; cluster++)
        {
            (int place, int length) = (places.Span[cluster], group.Lengths[cluster]);
            bool isPacked = length is > 0 and < SavedLayout.ClusterSize;
            if (place is > 0 and < SavedLayout.ClusterSize)
            {
                ReadOnlyMemory<byte> bytes = isPacked ? group.Packed.Slice(at, length) : length == 0 ? group.PackedZeros() : default;
                if (bytes.Length > place || bytes.IsEmpty)
                {
                    throw new StorageException(StorageErrorKind.Busy, subject, "was written to while it was measured and packed, and no longer fits: save it to a file, or save a clone of a snapshot");
                }

                await WriteAsync(bytes, cancellationToken);
                await PadAsync(place - bytes.Length, cancellationToken);
            }

            at += isPacked ? length : 0;
        }
    }

    private ValueTask PadAsync(int length, CancellationToken cancellationToken) => WriteAsync(s_zeros.AsMemory(0, length), cancellationToken);
}
