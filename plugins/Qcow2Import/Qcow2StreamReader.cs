using System.Runtime.CompilerServices;

namespace EveStorage.Qcow2Import;

/// <summary>
/// An open qcow2 that comes as a stream: its extents are told in the order of the file, as its tables pass. What lies behind
/// what was read by then needs a source that kept it.
/// </summary>
internal sealed class Qcow2StreamReader(IImageSource source, Qcow2Facts facts) : ILinkedImageReader, ISnapshotImageReader
{
    // Of 72 bytes each in the queue. A table that comes first maps its data before the next one passes, so that few wait at a time.
    private const int MaxWaiting = 1 << 18;

    private readonly Qcow2Header _header = facts.Header;
    private readonly string _name = source.Name;
    private readonly ClusterDecoder _decoder = new(source.Name, facts.Header.ClusterSize, facts.Codecs);
    private readonly PriorityQueue<ImageExtent, long> _waiting = new();
    private long _passed;

    /// <inheritdoc/>
    public ByteSize VirtualSize => _header.VirtualSize;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Details => facts.Details;

    /// <inheritdoc/>
    public IReadOnlyList<ImageLink> Links => facts.Links;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ImageExtent> ReadExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Pass(_header.L1TableOffset);
        Qcow2Tables tables = await Qcow2Tables.OpenAsync(source, long.MaxValue, _header, cancellationToken);
        UsedClusters used = new(source, _header, tables);
        int[] order = [.. Enumerable.Range(0, tables.Count).Where(index => tables.OffsetOf(index) != 0).OrderBy(tables.OffsetOf)];
        foreach (ImageExtent hole in Holes(tables))
        {
            yield return hole;
        }

        foreach (int index in order)
        {
            // All that lies before the table, and all of it when too much waits: the source has kept the table then.
            while (_waiting.TryPeek(out _, out long at) && (at < tables.OffsetOf(index) || (_waiting.Count > MaxWaiting && source.CanSeek)))
            {
                yield return Next();
            }

            if (_waiting.Count > MaxWaiting)
            {
                throw new StorageException(StorageErrorKind.NotSupported, source.Name, "has more tables before its data than memory for them: write it to a file first");
            }

            Pass(tables.OffsetOf(index));
            byte[] table = await tables.ReadAsync(index, cancellationToken);
            tables.Forget(index);
            foreach (ImageExtent extent in ExtentsOf(table, index, tables, used))
            {
                if (extent.Kind != ExtentKind.Data)
                {
                    yield return extent;
                }
                else
                {
                    _waiting.Enqueue(extent, extent.SourceOffset);
                }
            }
        }

        while (_waiting.Count > 0)
        {
            yield return Next();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ImageSnapshot>> ListSnapshotsAsync(CancellationToken cancellationToken)
        => [.. (await Qcow2Snapshots.ReadAsync(source, _header, cancellationToken)).Select(entry => entry.Snapshot)];

    /// <inheritdoc/>
    public async ValueTask<IImageReader> OpenSnapshotAsync(string name, CancellationToken cancellationToken)
        => new Qcow2StreamReader(source, facts with { Header = await Qcow2Snapshots.HeaderOfAsync(source, _header, name, cancellationToken) });

    /// <inheritdoc/>
    public void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
    {
        ClusterExtents.RequireWhole(_header, extent, source.Length, null, _name);
        _decoder.Decode(extent.Encoding, source, target);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _decoder.Dispose();
        return source.DisposeAsync();
    }

    private ImageExtent Next()
    {
        ImageExtent extent = _waiting.Dequeue();
        if (!_header.HasDataFile)
        {
            Pass(extent.SourceOffset);
        }

        return extent;
    }

    // Compressed clusters may share a sector: it is the start of each that has to come in order.
    private void Pass(long offset)
    {
        if (offset < _passed && !source.CanSeek)
        {
            throw new StorageException(StorageErrorKind.NotSupported, source.Name, $"needs what lies at {offset} and has passed: write it to a file first");
        }

        _passed = Math.Max(_passed, offset);
    }

    private IEnumerable<ImageExtent> Holes(Qcow2Tables tables)
    {
        ExtentJoin join = default;
        for (int index = 0; index < tables.Count; index++)
        {
            if (tables.OffsetOf(index) == 0 && join.Add(ClusterExtents.HoleOf(_header, index)) is ImageExtent whole)
            {
                yield return whole;
            }
        }

        if (join.Last is ImageExtent last)
        {
            yield return last;
        }
    }

    private IEnumerable<ImageExtent> ExtentsOf(byte[] table, int index, Qcow2Tables tables, UsedClusters used)
    {
        ExtentJoin join = default;
        int entries = ClusterExtents.EntriesOf(_header, index);
        for (int entry = 0; entry < entries; entry++)
        {
            if (ClusterExtents.EmptyFrom(_header, table, entry, entries) is int empty and > 0)
            {
                if (join.Add(ClusterExtents.HoleOf(_header, index, entry, empty)) is ImageExtent before)
                {
                    yield return before;
                }

                entry += empty - 1;
                continue;
            }

            Qcow2Cluster cluster = tables.ClusterOf(table, index, entry);
            used.Take(cluster);
            foreach (ImageExtent extent in ClusterExtents.Of(_header, cluster, index, entry))
            {
                if (join.Add(extent) is ImageExtent whole)
                {
                    yield return whole;
                }
            }
        }

        if (join.Last is ImageExtent last)
        {
            yield return last;
        }
    }
}
