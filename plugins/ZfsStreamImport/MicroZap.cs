using System.Buffers.Binary;
using System.Text;

namespace EveStorage.ZfsStreamImport;

/// <summary>
/// A block of names and numbers, as object 2 of a volume has its size: "mzap_phys" in OpenZFS's include/sys/zap_impl.h.
/// It has the byte order of who wrote it, which its first word shows.
/// </summary>
internal static class MicroZap
{
    private const ulong BlockType = (1UL << 63) + 3;
    private const int EntryLength = 64;
    private const int NameOffset = 14;

    /// <summary>The value of <paramref name="name"/>; null when it has none, or is no such block.</summary>
    internal static ulong? Find(ReadOnlySpan<byte> block, string name)
    {
        if (block.Length < EntryLength)
        {
            return null;
        }

        ulong type = BinaryPrimitives.ReadUInt64LittleEndian(block);
        bool swapped = type != BlockType;
        if (swapped && BinaryPrimitives.ReverseEndianness(type) != BlockType)
        {
            return null;
        }

        Span<byte> wanted = stackalloc byte[EntryLength - NameOffset];
        wanted.Clear();
        Encoding.ASCII.GetBytes(name, wanted);
        for (ReadOnlySpan<byte> entry = block[EntryLength..]; entry.Length >= EntryLength; entry = entry[EntryLength..])
        {
            ReadOnlySpan<byte> found = entry[NameOffset..EntryLength];
            int end = found.IndexOf((byte)0);
            if (end == name.Length && found[..end].SequenceEqual(wanted[..end]))
            {
                ulong value = BinaryPrimitives.ReadUInt64LittleEndian(entry);
                return swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
            }
        }

        return null;
    }

    /// <summary>Fills a block with one number, little-endian.</summary>
    internal static void Write(Span<byte> block, string name, ulong value)
    {
        block.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(block, BlockType);
        BinaryPrimitives.WriteUInt64LittleEndian(block[8..], 1);   // the salt of hashes, which is never 0
        BinaryPrimitives.WriteUInt64LittleEndian(block[EntryLength..], value);
        Encoding.ASCII.GetBytes(name, block[(EntryLength + NameOffset)..]);
    }
}
