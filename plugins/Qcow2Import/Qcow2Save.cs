using EveStorage.Linux;

namespace EveStorage.Qcow2Import;

/// <summary>
/// Writes a volume as a version 3 image. A file is written in one go, and what is known last is put into its place at the
/// end. A stream begins with what is known last, so that the volume is read twice, and measured first.
/// </summary>
internal sealed class Qcow2Save(SavedVolume volume, Stream stream, Qcow2Compression? compression, ClusterCodecs codecs, IProgress<ByteSize> progress)
{
    private readonly SavedImage _image = new(stream, $"{volume.Name}");
    private readonly long _size = volume.Blocks.Size.Bytes;

    /// <summary>Writes it.</summary>
    /// <exception cref="StorageException">The volume can't be read, is too large, or changed meanwhile so that it no longer fits.</exception>
    internal async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        if (_size > SavedLayout.MaxSize)
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{volume.Name}", $"is larger than {new ByteSize(SavedLayout.MaxSize)}, the most that an image with clusters of 64KiB can have");
        }

        using GroupReader groups = new(volume.Blocks, _size, EncoderOf(compression));
        if (_image.CanSeek)
        {
            await WriteOnceAsync(groups, cancellationToken);
        }
        else
        {
            await WriteMeasuredAsync(groups, await MeasureAsync(groups, cancellationToken), cancellationToken);
        }

        progress.Report(new(_size));
    }

    private Func<IClusterEncoder>? EncoderOf(Qcow2Compression? compression) => compression switch
    {
        null => null,
        Qcow2Compression.Zstd => codecs.Zstd is ZstdLibrary library ? () => new ZstdEncoder(library) : static () => new PortedZstdEncoder(),
        _ => static () => new DeflateEncoder(),
    };

    private static int TableOf(ClusterGroup group) => (int)(group.Number / SavedLayout.GroupsInTable);

    private static int EntryOf(ClusterGroup group) => (int)(group.Number % SavedLayout.GroupsInTable) * SavedLayout.GroupClusters;

    private async Task WriteOnceAsync(GroupReader groups, CancellationToken cancellationToken)
    {
        SavedLayout layout = new(_size);
        int[] lengths = new int[SavedLayout.L2Entries];
        int table = -1;
        await foreach (ClusterGroup group in groups.ReadAsync(groups.NextWithDataAsync, cancellationToken))
        {
            if (!group.Lengths.ContainsAnyExcept(0))
            {
                continue;
            }

            if (TableOf(group) != table)
            {
                await EndTableAsync();
                table = TableOf(group);
                await _image.GoToAsync(layout.NextTable + SavedLayout.ClusterSize, cancellationToken);
            }

            group.Lengths.CopyTo(lengths.AsSpan(EntryOf(group)));
            await _image.WriteGroupAsync(group, lengths.AsMemory(EntryOf(group), SavedLayout.GroupClusters), cancellationToken);
            Told(group, 0, _size);
        }

        await EndTableAsync();
        byte[] counts = layout.Counts(out long countTable, out int countClusters);
        await _image.GoToAsync(layout.CountsOffset, cancellationToken);
        await _image.WriteAsync(counts, cancellationToken);
        await _image.GoToAsync(0, cancellationToken);
        await _image.WriteHeaderAsync(layout, _size, compression, countTable, countClusters, cancellationToken);

        // What a table maps is written by now, behind the place that was left for it.
        async Task EndTableAsync()
        {
            if (table >= 0)
            {
                await _image.GoToAsync(layout.NextTable, cancellationToken);
                await _image.WriteAsync(layout.Add(table, lengths), cancellationToken);
                lengths.AsSpan().Clear();
            }
        }
    }

    // 4 bytes for each cluster of a table that maps anything.
    private async Task<int[]?[]> MeasureAsync(GroupReader groups, CancellationToken cancellationToken)
    {
        int[]?[] lengths = new int[]?[new SavedLayout(_size).Tables];
        await foreach (ClusterGroup group in groups.ReadAsync(groups.NextWithDataAsync, cancellationToken))
        {
            if (group.Lengths.ContainsAnyExcept(0))
            {
                int[] table = lengths[TableOf(group)] ??= new int[SavedLayout.L2Entries];
                group.Lengths.CopyTo(table.AsSpan(EntryOf(group)));
            }

            Told(group, 0, _size / 2);
        }

        return lengths;
    }

    private async Task WriteMeasuredAsync(GroupReader groups, int[]?[] lengths, CancellationToken cancellationToken)
    {
        SavedLayout whole = new(_size);
        for (int table = 0; table < lengths.Length; table++)
        {
            _ = lengths[table] is int[] measured ? whole.Add(table, measured) : null;
        }

        byte[] counts = whole.Counts(out long countTable, out int countClusters);
        await _image.WriteHeaderAsync(whole, _size, compression, countTable, countClusters, cancellationToken);
        SavedLayout layout = new(_size);
        int last = -1;
        await foreach (ClusterGroup group in groups.ReadAsync(NextMeasured, cancellationToken))
        {
            int[] measured = lengths[TableOf(group)]!;
            if (TableOf(group) != last)
            {
                last = TableOf(group);
                await _image.GoToAsync(layout.NextTable, cancellationToken);
                await _image.WriteAsync(layout.Add(last, measured), cancellationToken);
            }

            await _image.WriteGroupAsync(group, measured.AsMemory(EntryOf(group), SavedLayout.GroupClusters), cancellationToken);
            Told(group, _size / 2, _size / 2);
        }

        await _image.GoToAsync(whole.CountsOffset, cancellationToken);
        await _image.WriteAsync(counts, cancellationToken);

        // Those that had something then: they have their places, whatever is there now.
        ValueTask<long?> NextMeasured(long number, CancellationToken _)
        {
            for (; number / SavedLayout.GroupsInTable is long table && table < lengths.Length; number++)
            {
                int first = (int)(number % SavedLayout.GroupsInTable) * SavedLayout.GroupClusters;
                if (lengths[table]?.AsSpan(first, SavedLayout.GroupClusters).ContainsAnyExcept(0) == true)
                {
                    return new(number);
                }
            }

            return new((long?)null);
        }
    }

    // Measuring is half of the way, where it is needed.
    private void Told(ClusterGroup group, long before, long share)
        => progress.Report(new(before + (long)((double)Math.Min(_size, (group.Number + 1) * SavedLayout.GroupLength) / _size * share)));
}
