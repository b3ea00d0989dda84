using System.Buffers.Binary;

namespace EveStorage.Bench.ZfsStream;

/// <summary>A greedy LZ4 block encoder with one hash table, as LZ4's own fast mode is.</summary>
internal static class Lz4Encoder
{
    private const int HashBits = 12;
    private const int ShortestMatch = 4;
    private const int LiteralsAtTheEnd = 12;

    internal static byte[] Encode(ReadOnlySpan<byte> block)
    {
        List<byte> encoded = new(block.Length);
        int[] table = new int[1 << HashBits];
        int literals = 0;
        for (int at = 1; at < block.Length - LiteralsAtTheEnd;)
        {
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(block[at..]);
            ref int seen = ref table[(word * 2654435761) >> (32 - HashBits)];
            int from = seen;
            seen = at;
            if (BinaryPrimitives.ReadUInt32LittleEndian(block[from..]) != word || at - from > ushort.MaxValue)
            {
                at++;
                continue;
            }

            int length = ShortestMatch + block[(at + ShortestMatch)..(block.Length - 5)].CommonPrefixLength(block[(from + ShortestMatch)..]);
            Sequence(encoded, block[literals..at], at - from, length);
            at += length;
            literals = at;
        }

        Sequence(encoded, block[literals..], 0, ShortestMatch);
        return [.. encoded];
    }

    // The last one has no match.
    private static void Sequence(List<byte> encoded, ReadOnlySpan<byte> literals, int offset, int length)
    {
        encoded.Add((byte)((Math.Min(literals.Length, 15) << 4) | Math.Min(length - ShortestMatch, 15)));
        Longer(encoded, literals.Length);
        encoded.AddRange(literals);
        if (offset > 0)
        {
            encoded.AddRange([(byte)offset, (byte)(offset >> 8)]);
            Longer(encoded, length - ShortestMatch);
        }
    }

    private static void Longer(List<byte> encoded, int length)
    {
        for (length -= 15; length >= 0; length -= 255)
        {
            encoded.Add((byte)Math.Min(length, 255));
        }
    }
}
