using System.Buffers.Binary;
using System.Text;
using EveStorage.ZfsStream;
using ZstdSharp;

namespace EveStorage.Bench.ZfsStream;

/// <summary>Writes a full stream of a raw disk in blocks of 16 KiB, as <c>zfs send -c</c> of a volume with that compression does.</summary>
internal static class StreamMaker
{
    private const int RecordLength = 312;
    private const int BlockSize = 16 << 10;

    // ZFS keeps a block compressed when that saves an eighth, in sectors of the pool.
    private const int SectorSize = 4096;
    private const ulong Guid = 0x5d053c8cec3752bd;

    internal static void Make(string compression, string disk, string stream)
    {
        byte number = compression switch { "plain" => 0, "lz4" => 15, "zstd" => 16, _ => throw new ArgumentException($"'{compression}' is no compression here") };
        using FileStream source = File.OpenRead(disk);
        using FileStream target = new(stream, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        using Compressor zstd = new();
        Fletcher4 sums = new(swapped: false);
        void Record(uint type, Action<byte[]> fill, ReadOnlySpan<byte> payload = default)
        {
            byte[] record = new byte[RecordLength];
            U32(record, 0, type);
            fill(record);
            sums.Add(record.AsSpan(0, RecordLength - 32));
            if (type != 0)
            {
                Sums(record, RecordLength - 32, sums.Sums);
            }

            sums.Add(record.AsSpan(RecordLength - 32));
            sums.Add(payload);
            target.Write(record);
            target.Write(payload);
        }

        Record(0, record =>
        {
            U64(record, 8, 0x2F5bacbac);
            U64(record, 16, 1 | (number == 0 ? 0UL : (1UL << 22 | 1UL << 17 | (number == 16 ? 1UL << 25 : 0)) << 2));
            U32(record, 32, 3);
            U32(record, 36, 12);
            U64(record, 40, Guid);
            Encoding.ASCII.GetBytes("bench/disk@1", record.AsSpan(56));
        });
        Record(1, record => Object(record, 1, 23, BlockSize));
        Record(4, record => Free(record, 1, source.Length));
        byte[] block = new byte[BlockSize];
        for (long at = 0; at < source.Length; at += BlockSize)
        {
            source.ReadExactly(block);
            byte[] payload = number == 0 ? block : Shortened(number == 15 ? Lz4(block) : Zstd(zstd, block)) ?? block;
            Record(3, record => Write(record, 1, 23, at, BlockSize, payload == block ? (byte)0 : number, payload.Length), payload);
        }

        byte[] properties = new byte[512];
        U64(properties, 0, (1UL << 63) + 3);
        U64(properties, 64, (ulong)source.Length);
        "size"u8.CopyTo(properties.AsSpan(78));
        Record(1, record => Object(record, 2, 24, 512));
        Record(3, record => Write(record, 2, 24, 0, 512, 0, 0), properties);
        Fletcher4Sums all = sums.Sums;
        Record(5, record =>
        {
            Sums(record, 8, all);
            U64(record, 40, Guid);
        });
    }

    private static byte[]? Shortened(byte[] encoded)
    {
        int length = (encoded.Length + SectorSize - 1) / SectorSize * SectorSize;
        return length <= BlockSize - (BlockSize / 8) ? [.. encoded, .. new byte[length - encoded.Length]] : null;
    }

    private static byte[] Zstd(Compressor compressor, byte[] block)
    {
        ReadOnlySpan<byte> frame = compressor.Wrap(block)[4..];
        byte[] encoded = [.. new byte[8], .. frame];
        BinaryPrimitives.WriteInt32BigEndian(encoded, frame.Length);
        return encoded;
    }

    private static byte[] Lz4(byte[] block)
    {
        byte[] encoded = [.. new byte[4], .. Lz4Encoder.Encode(block)];
        BinaryPrimitives.WriteInt32BigEndian(encoded, encoded.Length - 4);
        return encoded;
    }

    private static void Object(byte[] record, ulong id, uint kind, uint blockSize)
    {
        U64(record, 8, id);
        U32(record, 16, kind);
        U32(record, 24, blockSize);
        record[34] = 1;
        U64(record, 40, Guid);
    }

    private static void Free(byte[] record, ulong id, long offset)
    {
        U64(record, 8, id);
        U64(record, 16, (ulong)offset);
        U64(record, 24, ulong.MaxValue);
        U64(record, 32, Guid);
    }

    private static void Write(byte[] record, ulong id, uint kind, long offset, int length, byte compression, int encoded)
    {
        U64(record, 8, id);
        U32(record, 16, kind);
        U64(record, 24, (ulong)offset);
        U64(record, 32, (ulong)length);
        U64(record, 40, Guid);
        record[48] = 2;
        record[50] = compression;
        U64(record, 96, compression == 0 ? 0 : (ulong)encoded);
    }

    private static void Sums(byte[] record, int at, Fletcher4Sums sums)
    {
        U64(record, at, sums.A);
        U64(record, at + 8, sums.B);
        U64(record, at + 16, sums.C);
        U64(record, at + 24, sums.D);
    }

    private static void U32(byte[] record, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(at), value);

    private static void U64(byte[] record, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at), value);
}
