using System.Buffers.Binary;
using System.Text;

namespace EveStorage.Luks;

/// <summary>
/// The binary header as it lies on the device: names and offsets, no judgement. Every integer is big-endian. The names are
/// those of struct luks2_hdr_disk in the LUKS2 On-Disk Format Specification, 1.1.
/// </summary>
internal readonly ref struct LuksHeaderView(ReadOnlySpan<byte> bytes)
{
    internal const int Length = 4096;
    internal const int ChecksumOffset = 448;
    internal const int ChecksumLength = 64;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Whether it begins as the first of the two copies does.</summary>
    internal bool IsFirst => _bytes[..6].SequenceEqual<byte>([0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE]);

    /// <summary>Whether it begins as the second one does.</summary>
    internal bool IsSecond => _bytes[..6].SequenceEqual<byte>([0x53, 0x4B, 0x55, 0x4C, 0xBA, 0xBE]);

    internal ushort Version => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    internal ulong HeaderSize => BinaryPrimitives.ReadUInt64BigEndian(_bytes[8..]);

    internal ulong SequenceId => BinaryPrimitives.ReadUInt64BigEndian(_bytes[16..]);

    internal string Label => Text(24, 48);

    internal string ChecksumAlgorithm => Text(72, 32);

    internal string Uuid => Text(168, 40);

    internal string Subsystem => Text(208, 48);

    internal ReadOnlySpan<byte> Checksum => _bytes.Slice(ChecksumOffset, ChecksumLength);

    private string Text(int at, int length) => Encoding.ASCII.GetString(_bytes.Slice(at, length)).Split('\0')[0];
}
