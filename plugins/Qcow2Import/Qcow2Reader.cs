using System.Globalization;
using System.Runtime.CompilerServices;

namespace EveStorage.Qcow2Import;

/// <summary>An open qcow2: the state of its disk, not of a snapshot in it.</summary>
internal sealed class Qcow2Reader(IImageSource source, Qcow2Header header, Qcow2Tables tables) : ISeekableImageReader
{
    private readonly ClusterDecoder _decoder = new(source.Name, header.ClusterSize);

    /// <inheritdoc/>
    public ByteSize VirtualSize => header.VirtualSize;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Details { get; } = new Dictionary<string, string>
    {
        ["version"] = header.Version.ToString(CultureInfo.InvariantCulture),
        ["cluster size"] = new ByteSize(header.ClusterSize).ToString(),
        ["compression"] = header.Compression == Qcow2Compression.Zstd ? "zstd" : "zlib",
        ["extended L2"] = header.ExtendedL2 ? "yes" : "no",
    };

    /// <inheritdoc/>
    public async IAsyncEnumerable<ImageExtent> ReadExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        UsedClusters used = new(source, header, tables);
        ExtentJoin join = default;
        for (int index = 0; index < tables.Count; index++)
        {
            // One entry after the other: a table of 2 MiB with subclusters has four million extents.
            byte[]? table = tables.OffsetOf(index) == 0 ? null : await tables.ReadAsync(index, cancellationToken);
            int entries = table is null ? 1 : EntriesOf(index);
            for (int entry = 0; entry < entries; entry++)
            {
                foreach (ImageExtent extent in table is null ? [HoleOf(index)] : CheckedExtentsOf(table, index, entry, used))
                {
                    if (join.Add(extent) is ImageExtent whole)
                    {
                        yield return whole;
                    }
                }
            }
        }

        if (join.Last is ImageExtent last)
        {
            yield return last;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ImageExtent> LookupAsync(long guestOffset, CancellationToken cancellationToken)
    {
        int index = checked((int)(guestOffset / header.L2Coverage));
        long within = guestOffset % header.L2Coverage;
        if (tables.OffsetOf(index) == 0)
        {
            return HoleOf(index);
        }

        byte[] table = await tables.ReadAsync(index, cancellationToken);
        int entry = (int)(within >> header.ClusterBits);
        return ExtentsOf(table, index, entry).First(extent => guestOffset < extent.GuestOffset + extent.Length);
    }

    /// <inheritdoc/>
    public void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
        => _decoder.Decode(extent.Encoding, source, target);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _decoder.Dispose();
        return source.DisposeAsync();
    }

    private int EntriesOf(int index)
        => (int)Math.Min(header.L2Entries, (header.VirtualSize.Bytes - (index * header.L2Coverage) + header.ClusterSize - 1) >> header.ClusterBits);

    private ImageExtent HoleOf(int index) => Clip(new(index * header.L2Coverage, header.L2Coverage, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain));

    private IEnumerable<ImageExtent> CheckedExtentsOf(byte[] table, int index, int entry, UsedClusters used)
    {
        Qcow2Cluster cluster = tables.ClusterOf(table, entry);
        if (cluster.IsCompressed)
        {
            used.RequireFree(cluster.Offset, cluster.CompressedLength);
        }
        else if (cluster.Offset != 0)
        {
            used.Take(cluster.Offset);
        }

        return ExtentsOf(table, index, entry);
    }

    private IEnumerable<ImageExtent> ExtentsOf(byte[] table, int index, int entry)
    {
        Qcow2Cluster cluster = tables.ClusterOf(table, entry);
        long guest = (index * header.L2Coverage) + ((long)entry << header.ClusterBits);
        if (cluster.IsCompressed)
        {
            ExtentEncoding encoding = header.Compression == Qcow2Compression.Zstd ? ExtentEncoding.Zstd : ExtentEncoding.Deflate;
            yield return Clip(new(guest, header.ClusterSize, ExtentKind.Data, cluster.Offset, cluster.CompressedLength, encoding));
            yield break;
        }

        int partLength = header.ClusterSize / Qcow2Cluster.Parts;
        for (int part = 0; part < Qcow2Cluster.Parts;)
        {
            ExtentKind kind = cluster.KindOf(part);
            int end = part + 1;
            while (end < Qcow2Cluster.Parts && cluster.KindOf(end) == kind)
            {
                end++;
            }

            long at = guest + ((long)part * partLength);
            long length = (long)(end - part) * partLength;
            if (at < header.VirtualSize.Bytes)
            {
                yield return kind == ExtentKind.Data
                    ? Clip(new(at, length, kind, cluster.Offset + ((long)part * partLength), length, ExtentEncoding.Plain))
                    : Clip(new(at, length, kind, 0, 0, ExtentEncoding.Plain));
            }

            part = end;
        }
    }

    // The last cluster may reach beyond the disk.
    private ImageExtent Clip(ImageExtent extent)
    {
        long length = Math.Min(extent.Length, header.VirtualSize.Bytes - extent.GuestOffset);
        return extent with { Length = length, SourceLength = extent.Encoding == ExtentEncoding.Plain ? Math.Min(extent.SourceLength, length) : extent.SourceLength };
    }
}
