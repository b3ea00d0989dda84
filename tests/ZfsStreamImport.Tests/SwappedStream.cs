using System.Buffers.Binary;

namespace EveStorage.Tests;

/// <summary>A real stream of a volume as a sender of the other byte order would have written it.</summary>
internal static class SwappedStream
{
    // The integers of each record, by offset and width: "dmu_replay_record" in OpenZFS's include/sys/zfs_ioctl.h.
    private static readonly (int At, int Width)[][] s_fields =
    [
        [(8, 8), (16, 8), (24, 8), (32, 4), (36, 4), (40, 8), (48, 8)],
        [(8, 8), (16, 4), (20, 4), (24, 4), (28, 4), (36, 4), (40, 8)],
        [(8, 8), (16, 8), (24, 8)],
        [(8, 8), (16, 4), (24, 8), (32, 8), (40, 8), (56, 8), (64, 8), (72, 8), (80, 8), (88, 8), (96, 8)],
        [(8, 8), (16, 8), (24, 8), (32, 8)],
        [(8, 8), (16, 8), (24, 8), (32, 8), (40, 8)],
        [],
        [],
        [(8, 8), (16, 8), (24, 8), (32, 8), (48, 4), (52, 4)],
    ];

    /// <summary>Swaps all of it, and sums it up anew. Property blocks have to be uncompressed.</summary>
    internal static byte[] Of(ReadOnlySpan<byte> stream)
    {
        StreamBuilder builder = new(bigEndian: true);
        while (!stream.IsEmpty)
        {
            byte[] record = stream[..StreamBuilder.RecordLength].ToArray();
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(record);
            int length = PayloadOf(record, type);
            byte[] payload = stream.Slice(StreamBuilder.RecordLength, length).ToArray();
            stream = stream[(StreamBuilder.RecordLength + length)..];
            if (type == 3 && record[8] == 2)
            {
                SwapProperties(payload);
            }

            foreach ((int at, int width) in s_fields[type])
            {
                record.AsSpan(at, width).Reverse();
            }

            Append(builder, type, record, payload);
        }

        return builder.Bytes;
    }

    private static void Append(StreamBuilder builder, uint type, byte[] record, byte[] payload)
    {
        if (type == 5)
        {
            builder.End();
        }
        else if (type == 0)
        {
            ulong Field(int at) => BinaryPrimitives.ReadUInt64BigEndian(record.AsSpan(at));
            builder.Begin(Field(40), Field(48), features: Field(16) >> 2);
        }
        else
        {
            builder.Record(type, made => record.AsSpan(8, StreamBuilder.RecordLength - 8 - 32).CopyTo(made.AsSpan(8)), payload);
        }
    }

    private static int PayloadOf(byte[] record, uint type)
    {
        int I32(int at) => BinaryPrimitives.ReadInt32LittleEndian(record.AsSpan(at));
        return type switch
        {
            0 => I32(4),
            3 => record[50] == 0 ? I32(32) : I32(96),
            8 => (I32(52) + 7) & ~7,
            _ => 0,
        };
    }

    // A micro ZAP: three words of 8 bytes, then entries of a word of 8 and one of 4 before the name.
    private static void SwapProperties(Span<byte> block)
    {
        for (int at = 0; at < 24; at += 8)
        {
            block.Slice(at, 8).Reverse();
        }

        for (int at = 64; at < block.Length; at += 64)
        {
            block.Slice(at, 8).Reverse();
            block.Slice(at + 8, 4).Reverse();
        }
    }
}
