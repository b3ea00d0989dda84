namespace EveStorage.ZfsStream;

/// <summary>A record of which type, lengths and ranges have been validated. What is said of an object is so for any object.</summary>
internal readonly record struct StreamRecord
{
    /// <summary>The longest block of ZFS (SPA_MAXBLOCKSIZE).</summary>
    internal const int MaxBlockSize = 16 << 20;

    /// <summary>The end of a range that goes on to the object's end.</summary>
    internal const long ToTheEnd = long.MaxValue;

    // What OpenZFS's libzfs takes of a package's header; nothing of it is held here.
    private const uint MaxHeaderLength = 64 << 20;

    // A dnode of 16 KiB has less, and so has its bonus.
    private const uint MaxBonusLength = 16 << 10;

    // Of a block pointer of 128 bytes: BPE_PAYLOAD_SIZE.
    private const uint MaxEmbeddedLength = 112;

    /// <summary>Its type.</summary>
    internal RecordType Type { get; private init; }

    /// <summary>The object it is about; 0 when it is about none, or several.</summary>
    internal ulong Object { get; private init; }

    /// <summary>The first byte of the object that it is about.</summary>
    internal long Offset { get; private init; }

    /// <summary>The end of what it is about.</summary>
    internal long End { get; private init; }

    /// <summary>Bytes that follow it in the stream.</summary>
    internal int PayloadLength { get; private init; }

    /// <summary>How many of the payload's bytes count; the others pad it.</summary>
    internal int EncodedLength { get; init; }

    /// <summary>Bytes that they decode to. The rest of the range is zero.</summary>
    internal int DecodedLength { get; private init; }

    /// <summary>How the payload is compressed.</summary>
    internal BlockCompression Compression { get; private init; }

    /// <summary>Whether its payload is the object's bytes as they are.</summary>
    internal bool IsPlain => Type == RecordType.Write && Compression == BlockCompression.None;

    /// <summary>An object's kind, and its block size.</summary>
    internal (uint Type, uint BlockSize) Kind { get; private init; }

    /// <summary>Validates a record.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: no sender writes it.</exception>
    internal static StreamRecord Parse(RecordView view, string subject)
    {
        StreamRecord record = view.Type switch
        {
            RecordType.Begin => new() { PayloadLength = Bounded(view.PayloadLength, MaxHeaderLength, "a header", subject) },
            RecordType.Object => ObjectOf(view, subject),
            RecordType.FreeObjects => RangeOf(0, view.Object, view.ObjectCount, subject),
            RecordType.Write => WriteOf(view, subject),
            RecordType.WriteEmbedded => EmbeddedOf(view, subject),
            RecordType.Free or RecordType.Redact => RangeOf(view.Object, view.RangeOffset, view.RangeLength, subject),
            RecordType.Spill => new()
            {
                Object = view.Object,
                PayloadLength = Bounded(view.SpillCompressedSize != 0 ? view.SpillCompressedSize : view.SpillLength, MaxBlockSize, "a spill block", subject),
            },
            RecordType.End or RecordType.WriteByReference or RecordType.ObjectRange => new(),
            _ => throw Corrupt(subject, $"has a record of the unknown type {(uint)view.Type}"),
        };
        return record.PayloadLength % 4 == 0
            ? record with { Type = view.Type }
            : throw Corrupt(subject, $"has a payload of {record.PayloadLength} bytes, which is no multiple of 4");
    }

    private static StreamRecord ObjectOf(RecordView view, string subject)
    {
        uint bonus = view.RawBonusLength != 0 ? view.RawBonusLength : view.BonusLength;
        int length = Bounded(bonus, MaxBonusLength, "a bonus", subject);
        return new()
        {
            Object = view.Object,
            PayloadLength = view.RawBonusLength != 0 ? length : RoundUp(length),
            Kind = (view.ObjectType, view.BlockSize),
        };
    }

    private static StreamRecord WriteOf(RecordView view, string subject)
    {
        BlockCompression compression = CompressionOf(view.WriteCompression, subject);
        int logical = Bounded(view.LogicalSize, MaxBlockSize, "a block", subject);
        if (logical < 512)
        {
            throw Corrupt(subject, $"has a block of {logical} bytes");
        }

        // One that says "off" says its size twice.
        int payload = view.WriteCompression == 0 ? logical : Bounded(view.CompressedSize, (ulong)logical, "a compressed block", subject);
        if (compression == BlockCompression.None && payload != logical)
        {
            throw Corrupt(subject, $"has {payload} bytes of an uncompressed block of {logical}");
        }

        return RangeOf(view.Object, view.WriteOffset, (ulong)logical, subject) with
        {
            PayloadLength = payload,
            EncodedLength = payload,
            DecodedLength = logical,
            Compression = compression,
        };
    }

    private static StreamRecord EmbeddedOf(RecordView view, string subject)
    {
        BlockCompression compression = CompressionOf(view.EmbeddedCompression, subject);
        int length = Bounded(view.RangeLength, MaxBlockSize, "an embedded block", subject);
        int encoded = Bounded(view.EmbeddedPhysicalSize, MaxEmbeddedLength, "an embedded block", subject);
        int decoded = Bounded(view.EmbeddedLogicalSize, (ulong)length, "an embedded block", subject);
        return view.EmbeddedType == 0
            ? RangeOf(view.Object, view.RangeOffset, (ulong)length, subject) with
            {
                PayloadLength = RoundUp(encoded),
                EncodedLength = encoded,
                DecodedLength = decoded,
                Compression = compression,
            }
            : throw Corrupt(subject, $"has an embedded block of the unknown type {view.EmbeddedType}");
    }

    private static StreamRecord RangeOf(ulong item, ulong offset, ulong length, string subject)
    {
        if (offset > long.MaxValue || (length != ulong.MaxValue && length > long.MaxValue - offset))
        {
            throw Corrupt(subject, $"has {length} bytes at {offset} of an object");
        }

        return new() { Object = item, Offset = (long)offset, End = length == ulong.MaxValue ? ToTheEnd : (long)(offset + length) };
    }

    // "enum zio_compress"; 1 (on), 4 (empty) and what comes after zstd never are in a stream.
    private static BlockCompression CompressionOf(byte value, string subject)
        => value switch
        {
            0 or 2 => BlockCompression.None,
            3 => BlockCompression.Lzjb,
            >= 5 and <= 13 => BlockCompression.Gzip,
            14 => BlockCompression.Zle,
            15 => BlockCompression.Lz4,
            16 => BlockCompression.Zstd,
            _ => throw Corrupt(subject, $"has a block in the unknown compression {value}"),
        };

    private static int Bounded(ulong length, ulong most, string what, string subject)
        => length <= most ? (int)length : throw Corrupt(subject, $"has {what} of {length} bytes");

    private static int RoundUp(int length) => (length + 7) & ~7;

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}

/// <summary>How a block is compressed.</summary>
internal enum BlockCompression
{
    None,
    Lzjb,
    Gzip,
    Zle,
    Lz4,
    Zstd,
}
