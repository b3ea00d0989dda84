using System.Buffers.Binary;
using System.IO.Compression;
using ZstdSharp;

namespace EveStorage.Tests;

/// <summary>The other direction of the decoders, as simple as it can be: what they write is right, and not small.</summary>
internal static class BlockEncoders
{
    private const int LongestLiteral = 64;

    /// <summary>Every compression by its number in a stream.</summary>
    internal static IReadOnlyDictionary<byte, Func<byte[], byte[]>> All { get; } = new Dictionary<byte, Func<byte[], byte[]>>
    {
        [3] = Lzjb,
        [8] = Gzip,
        [14] = Zle,
        [15] = Lz4,
        [16] = Zstd,
    };

    internal static byte[] Lzjb(byte[] block)
    {
        List<byte> encoded = [];
        int map = 0;
        int mask = 0x80;
        for (int at = 0; at < block.Length;)
        {
            mask <<= 1;
            if (mask == 0x100)
            {
                mask = 1;
                map = encoded.Count;
                encoded.Add(0);
            }

            (int offset, int length) = MatchAt(block, at, furthest: 1023, longest: 66);
            if (length < 3)
            {
                encoded.Add(block[at++]);
                continue;
            }

            encoded[map] |= (byte)mask;
            encoded.Add((byte)(((length - 3) << 2) | (offset >> 8)));
            encoded.Add((byte)offset);
            at += length;
        }

        return [.. encoded];
    }

    internal static byte[] Gzip(byte[] block)
    {
        using MemoryStream encoded = new();
        using (ZLibStream deflater = new(encoded, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflater.Write(block);
        }

        return encoded.ToArray();
    }

    internal static byte[] Zle(byte[] block)
    {
        List<byte> encoded = [];
        for (int at = 0; at < block.Length;)
        {
            bool zero = block[at] == 0;
            int most = zero ? 256 - LongestLiteral : LongestLiteral;
            int length = 1;
            while (length < most && at + length < block.Length && block[at + length] == 0 == zero)
            {
                length++;
            }

            encoded.Add((byte)(zero ? length + LongestLiteral - 1 : length - 1));
            encoded.AddRange(zero ? [] : block.AsSpan(at, length));
            at += length;
        }

        return [.. encoded];
    }

    internal static byte[] Lz4(byte[] block)
    {
        List<byte> encoded = [0, 0, 0, 0];
        int literals = 0;
        for (int at = 0; at <= block.Length;)
        {
            // A block ends with literals, by the format at least five of them.
            (int offset, int length) = at < block.Length - 5 ? MatchAt(block, at, furthest: ushort.MaxValue, longest: block.Length - 5 - at) : default;
            if (length < 4 && at < block.Length)
            {
                at++;
                continue;
            }

            int run = at - literals;
            encoded.Add((byte)((Math.Min(run, 15) << 4) | (at < block.Length ? Math.Min(length - 4, 15) : 0)));
            Longer(encoded, run);
            encoded.AddRange(block.AsSpan(literals, run));
            if (at == block.Length)
            {
                break;
            }

            encoded.AddRange([(byte)offset, (byte)(offset >> 8)]);
            Longer(encoded, length - 4);
            at += length;
            literals = at;
        }

        byte[] bytes = [.. encoded];
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length - 4);
        return bytes;
    }

    internal static byte[] Zstd(byte[] block)
    {
        using Compressor compressor = new();
        byte[] frame = compressor.Wrap(block).ToArray()[4..];   // without its magic number
        byte[] bytes = [.. new byte[8], .. frame];
        BinaryPrimitives.WriteInt32BigEndian(bytes, frame.Length);
        return bytes;
    }

    private static void Longer(List<byte> encoded, int length)
    {
        for (length -= 15; length >= 0; length -= 255)
        {
            encoded.Add((byte)Math.Min(length, 255));
        }
    }

    // The first of a few places before: one byte before, eight, and what a caller's period may be.
    private static (int Offset, int Length) MatchAt(byte[] block, int at, int furthest, int longest)
    {
        foreach (int offset in (int[])[1, 2, 3, 7, 8, 16, 17, 64, 512, 1000])
        {
            int length = 0;
            while (offset <= Math.Min(at, furthest) && length < longest && at + length < block.Length && block[at + length] == block[at + length - offset])
            {
                length++;
            }

            if (length >= 4)
            {
                return (offset, length);
            }
        }

        return default;
    }
}
