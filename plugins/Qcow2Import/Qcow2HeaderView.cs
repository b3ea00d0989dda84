using System.Buffers.Binary;

namespace EveStorage.Qcow2Import;

/// <summary>
/// The header as it lies in the file: names and offsets, no judgement. Every integer is big-endian.
/// The names are those of "Header" in QEMU's docs/interop/qcow2.txt.
/// </summary>
internal readonly ref struct Qcow2HeaderView(ReadOnlySpan<byte> bytes)
{
    internal const int V2Length = 72;
    internal const int V3Length = 104;
    internal const int MaxLength = 112;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal uint Magic => U32(0);
    internal uint Version => U32(4);
    internal ulong BackingFileOffset => U64(8);
    internal uint BackingFileSize => U32(16);
    internal uint ClusterBits => U32(20);
    internal ulong Size => U64(24);
    internal uint CryptMethod => U32(32);
    internal uint L1Size => U32(36);
    internal ulong L1TableOffset => U64(40);
    internal ulong RefcountTableOffset => U64(48);
    internal uint RefcountTableClusters => U32(56);
    internal uint Snapshots => U32(60);
    internal ulong SnapshotsOffset => U64(64);

    // Version 3 only.
    internal Qcow2Features IncompatibleFeatures => (Qcow2Features)U64(72);
    internal ulong AutoclearFeatures => U64(88);
    internal uint RefcountOrder => U32(96);
    internal uint HeaderLength => U32(100);
    internal Qcow2Compression CompressionType => (Qcow2Compression)_bytes[104];

    private uint U32(int at) => BinaryPrimitives.ReadUInt32BigEndian(_bytes[at..]);

    private ulong U64(int at) => BinaryPrimitives.ReadUInt64BigEndian(_bytes[at..]);
}

/// <summary>"Incompatible features": a reader that does not know a bit must refuse the image.</summary>
[Flags]
internal enum Qcow2Features : ulong
{
    None = 0,
    Dirty = 1 << 0,
    Corrupt = 1 << 1,
    ExternalDataFile = 1 << 2,
    CompressionType = 1 << 3,
    ExtendedL2 = 1 << 4,

    /// <summary>A dirty image has stale refcounts, which an import never reads.</summary>
    Readable = Dirty | ExternalDataFile | CompressionType | ExtendedL2,
}

/// <summary>"Compression type".</summary>
internal enum Qcow2Compression : byte
{
    Deflate = 0,
    Zstd = 1,
}
