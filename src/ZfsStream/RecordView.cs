using System.Buffers.Binary;

namespace EveStorage.ZfsStream;

/// <summary>
/// A record as it lies in the stream: names and offsets, no judgement. The names are those of <c>dmu_replay_record</c> in
/// OpenZFS's include/sys/zfs_ioctl.h; what differs by type begins at byte 8. Integers have the sender's byte order.
/// </summary>
internal readonly ref struct RecordView(ReadOnlySpan<byte> bytes, bool swapped)
{
    internal const int Length = 312;
    internal const int ChecksumOffset = 280;

    // drr_toname of BEGIN.
    private const int NameOffset = 56;
    private const int NameLength = 256;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal RecordType Type => (RecordType)U32(0);
    internal uint PayloadLength => U32(4);

    // BEGIN.
    internal ulong Magic => U64(8);
    internal ulong VersionInfo => U64(16);
    internal ulong CreationTime => U64(24);
    internal uint ObjectSetType => U32(32);
    internal uint BeginFlags => U32(36);
    internal ulong BeginToGuid => U64(40);
    internal ulong FromGuid => U64(48);
    internal ReadOnlySpan<byte> ToName => _bytes.Slice(NameOffset, NameLength);

    // All but BEGIN and END.
    internal ulong Object => U64(8);

    // OBJECT.
    internal uint ObjectType => U32(16);
    internal uint BlockSize => U32(24);
    internal uint BonusLength => U32(28);
    internal uint RawBonusLength => U32(36);

    // FREEOBJECTS, whose first number is in the place of the object.
    internal ulong ObjectCount => U64(16);

    // WRITE.
    internal ulong WriteOffset => U64(24);
    internal ulong LogicalSize => U64(32);
    internal byte WriteCompression => _bytes[50];
    internal ulong CompressedSize => U64(96);

    // FREE, REDACT and WRITE_EMBEDDED.
    internal ulong RangeOffset => U64(16);
    internal ulong RangeLength => U64(24);

    // WRITE_EMBEDDED.
    internal byte EmbeddedCompression => _bytes[40];
    internal byte EmbeddedType => _bytes[41];
    internal uint EmbeddedLogicalSize => U32(48);
    internal uint EmbeddedPhysicalSize => U32(52);

    // SPILL.
    internal ulong SpillLength => U64(16);
    internal ulong SpillCompressedSize => U64(40);

    // END: what BEGIN up to here sums up to.
    internal Fletcher4Sums EndChecksum => SumsAt(8);
    internal ulong EndToGuid => U64(40);

    // All but BEGIN: what BEGIN up to these last 32 bytes sums up to.
    internal Fletcher4Sums Checksum => SumsAt(ChecksumOffset);

    private Fletcher4Sums SumsAt(int at) => new(U64(at), U64(at + 8), U64(at + 16), U64(at + 24));

    private uint U32(int at)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[at..]);
        return swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private ulong U64(int at)
    {
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(_bytes[at..]);
        return swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }
}

/// <summary>"drr_type".</summary>
internal enum RecordType : uint
{
    Begin = 0,
    Object = 1,
    FreeObjects = 2,
    Write = 3,
    Free = 4,
    End = 5,
    WriteByReference = 6,
    Spill = 7,
    WriteEmbedded = 8,
    ObjectRange = 9,
    Redact = 10,
}
