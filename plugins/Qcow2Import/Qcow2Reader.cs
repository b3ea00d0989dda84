using System.Runtime.CompilerServices;

namespace EveStorage.Qcow2Import;

/// <summary>An open qcow2 whose bytes can be read in any order: the state of its disk, or of a snapshot in it.</summary>
internal sealed class Qcow2Reader(IImageSource source, Qcow2Facts facts, Qcow2Tables tables) : ISeekableImageReader, ILinkedImageReader, ISnapshotImageReader
{
    private readonly Qcow2Header _header = facts.Header;
    private readonly string _name = source.Name;
    private readonly long? _length = source.Length;
    private readonly ClusterDecoder _decoder = new(source.Name, facts.Header.ClusterSize, facts.Codecs);

    /// <inheritdoc/>
    public ByteSize VirtualSize => _header.VirtualSize;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Details => facts.Details;

    /// <inheritdoc/>
    public IReadOnlyList<ImageLink> Links => facts.Links;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ImageExtent> ReadExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        UsedClusters used = new(source, _header, tables);
        ExtentJoin join = default;
        for (int index = 0; index < tables.Count; index++)
        {
            // One entry after the other: a table of 2 MiB with subclusters has four million extents.
            byte[]? table = tables.OffsetOf(index) == 0 ? null : await tables.ReadAsync(index, cancellationToken);
            int entries = table is null ? 1 : ClusterExtents.EntriesOf(_header, index);
            for (int entry = 0; entry < entries; entry++)
            {
                int empty = table is null ? 0 : ClusterExtents.EmptyFrom(_header, table, entry, entries);
                foreach (ImageExtent extent in table is null ? [ClusterExtents.HoleOf(_header, index)]
                    : empty > 0 ? [ClusterExtents.HoleOf(_header, index, entry, empty)]
                    : CheckedExtentsOf(table, index, entry, used))
                {
                    if (join.Add(extent) is ImageExtent whole)
                    {
                        yield return whole;
                    }
                }

                entry += Math.Max(0, empty - 1);
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
        int index = checked((int)(guestOffset / _header.L2Coverage));
        long within = guestOffset % _header.L2Coverage;
        if (tables.OffsetOf(index) == 0)
        {
            return ClusterExtents.HoleOf(_header, index);
        }

        byte[] table = await tables.ReadAsync(index, cancellationToken);
        int entry = (int)(within >> _header.ClusterBits);
        return ClusterExtents.Of(_header, tables.ClusterOf(table, index, entry), index, entry).First(extent => guestOffset < extent.GuestOffset + extent.Length);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ImageSnapshot>> ListSnapshotsAsync(CancellationToken cancellationToken)
        => [.. (await Qcow2Snapshots.ReadAsync(source, _header, cancellationToken)).Select(entry => entry.Snapshot)];

    /// <inheritdoc/>
    public async ValueTask<IImageReader> OpenSnapshotAsync(string name, CancellationToken cancellationToken)
    {
        Qcow2Header header = await Qcow2Snapshots.HeaderOfAsync(source, _header, name, cancellationToken);
        return new Qcow2Reader(source, facts with { Header = header }, await Qcow2Tables.OpenAsync(source, source.Length!.Value, header, cancellationToken));
    }

    /// <inheritdoc/>
    public void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
    {
        ClusterExtents.RequireWhole(_header, extent, source.Length, _header.HasDataFile ? null : _length, _name);
        _decoder.Decode(extent.Encoding, source, target);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _decoder.Dispose();
        return source.DisposeAsync();
    }

    private IEnumerable<ImageExtent> CheckedExtentsOf(byte[] table, int index, int entry, UsedClusters used)
    {
        Qcow2Cluster cluster = tables.ClusterOf(table, index, entry);
        used.Take(cluster);
        return ClusterExtents.Of(_header, cluster, index, entry);
    }
}
