namespace EveStorage.ZfsStreamImport;

/// <summary>
/// What a stream says of one run of the volume: that it is zero, or the blocks of it, which follow one another in the
/// stream and on the volume. Blocks are read with their records, since those say how they are decoded.
/// </summary>
internal sealed class RecordRun
{
    // One decoding and one write for all of it; a longer block is a run by itself.
    private const int LongestGuest = 1 << 20;
    private const int LongestSource = 3 << 20;
    private const int MostBlocks = 1024;

    private readonly List<Block> _blocks = [];

    private RecordRun(long start, long end)
    {
        Start = start;
        End = end;
    }

    /// <summary>Its first byte on the volume.</summary>
    internal long Start { get; }

    /// <summary>The end of it.</summary>
    internal long End { get; private set; }

    /// <summary>A run of zeros.</summary>
    internal static RecordRun Zeros(long start, long end) => new(start, end);

    /// <summary>A run of one block.</summary>
    /// <param name="record">Its record.</param>
    /// <param name="position">Where that lies.</param>
    internal static RecordRun Of(in StreamRecord record, long position)
    {
        RecordRun run = new(record.Offset, record.End);
        run._blocks.Add(new(record.Offset, position, position + RecordView.Length + record.PayloadLength, record.IsPlain));
        return run;
    }

    /// <summary>Adds a block; false when it has to begin a run of its own.</summary>
    internal bool TryAdd(in StreamRecord record, long position)
    {
        long sourceEnd = position + RecordView.Length + record.PayloadLength;
        if (_blocks.Count is 0 or MostBlocks || record.Offset != End || _blocks[^1].SourceEnd != position
            || record.End - Start > LongestGuest || sourceEnd - _blocks[0].Source > LongestSource)
        {
            return false;
        }

        _blocks.Add(new(record.Offset, position, sourceEnd, record.IsPlain));
        End = record.End;
        return true;
    }

    /// <summary>The part of it from <paramref name="at"/> as an extent, which may end before <paramref name="end"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is a part of a compressed block.</exception>
    internal ImageExtent ExtentOf(long at, long end, string subject)
    {
        end = Math.Min(end, End);
        if (_blocks.Count == 0)
        {
            return new(at, end - at, ExtentKind.Zero, 0, 0, ExtentEncoding.Plain);
        }

        int first = _blocks.FindLastIndex(block => block.Start <= at);
        int last = _blocks.FindLastIndex(block => block.Start < end);
        if (EndOf(last) > end && last > first)
        {
            last--;
            end = EndOf(last);
        }

        Block block = _blocks[first];
        if (block.Start == at && EndOf(last) == end && !(first == last && block.IsPlain))
        {
            return new(at, end - at, ExtentKind.Data, block.Source, _blocks[last].SourceEnd - block.Source, ExtentEncoding.Framed);
        }

        if (!block.IsPlain)
        {
            throw new StorageException(
                StorageErrorKind.Corrupt, subject, $"changes a part of the compressed block at {block.Start}, and a volume has blocks of one size");
        }

        // A part of a block, or a plain one by itself.
        end = Math.Min(end, EndOf(first));
        return new(at, end - at, ExtentKind.Data, block.Source + RecordView.Length + (at - block.Start), end - at, ExtentEncoding.Plain);
    }

    private long EndOf(int block) => block + 1 < _blocks.Count ? _blocks[block + 1].Start : End;

    private readonly record struct Block(long Start, long Source, long SourceEnd, bool IsPlain);
}
