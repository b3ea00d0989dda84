using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace EveStorage.Tests;

/// <summary>
/// Writes streams in either byte order: the only sender of the other one that is to be had. Its checksum is a loop of its
/// own, so that no mistake of ours cancels itself out.
/// </summary>
internal sealed class StreamBuilder(bool bigEndian)
{
    internal const int RecordLength = 312;
    internal const int BlockSize = 4096;
    private const ulong Magic = 0x2F5bacbac;

    private readonly ArrayBufferWriter<byte> _out = new();
    private ulong _a, _b, _c, _d, _guid;

    internal byte[] Bytes => _out.WrittenSpan.ToArray();

    /// <summary>A whole stream of a volume: what <paramref name="data"/> says of object 1, and the size.</summary>
    internal static byte[] Volume(ulong to, ulong from, ulong size, Action<StreamBuilder> data, bool bigEndian = false, ulong features = 0)
    {
        StreamBuilder builder = new(bigEndian);
        builder.Begin(to, from, features: features);
        builder.Object(1, 23, BlockSize);
        data(builder);
        builder.Size(size);
        builder.End();
        return builder.Bytes;
    }

    internal void Begin(ulong to, ulong from = 0, ulong features = 0, uint type = 3, ulong kind = 1, byte[]? payload = null)
    {
        (_a, _b, _c, _d, _guid) = (0, 0, 0, 0, to);
        Record(0, record =>
        {
            U64(record, 8, Magic);
            U64(record, 16, kind | (features << 2));
            U64(record, 24, 1_700_000_000);
            U32(record, 32, type);
            U64(record, 40, to);
            U64(record, 48, from);
            Encoding.ASCII.GetBytes($"tank/vol@{to}", record.AsSpan(56));
        }, payload);
    }

    internal void Object(ulong id, uint type, uint blockSize)
        => Record(1, record =>
        {
            U64(record, 8, id);
            U32(record, 16, type);
            U32(record, 24, blockSize);
            record[34] = 1;
        });

    internal void Write(long offset, byte[] payload, byte compression = 0, int? logical = null, ulong id = 1)
        => Record(3, record =>
        {
            U64(record, 8, id);
            U32(record, 16, id == 1 ? 23u : 24u);
            U64(record, 24, (ulong)offset);
            U64(record, 32, (ulong)(logical ?? payload.Length));
            record[50] = compression;
            U64(record, 96, compression == 0 ? 0 : (ulong)payload.Length);
        }, payload);

    internal void Embedded(long offset, long length, byte[] payload, byte compression, int logical)
        => Record(8, record =>
        {
            U64(record, 8, 1);
            U64(record, 16, (ulong)offset);
            U64(record, 24, (ulong)length);
            record[40] = compression;
            U32(record, 48, (uint)logical);
            U32(record, 52, (uint)payload.Length);
        }, Padded(payload, 8));

    internal void Free(long offset, ulong length, ulong id = 1)
        => Record(4, record =>
        {
            U64(record, 8, id);
            U64(record, 16, (ulong)offset);
            U64(record, 24, length);
        });

    internal void FreeObjects(ulong first, ulong count)
        => Record(2, record =>
        {
            U64(record, 8, first);
            U64(record, 16, count);
        });

    /// <summary>The volume's size, as object 2 has it: in the sender's byte order.</summary>
    internal void Size(ulong size)
    {
        byte[] block = new byte[512];
        U64(block, 0, (1UL << 63) + 3);
        U64(block, 64, size);
        "size"u8.CopyTo(block.AsSpan(64 + 14));
        Object(2, 24, 512);
        Write(0, block, id: 2);
    }

    internal void End()
        => Record(5, record =>
        {
            U64(record, 8, _a);
            U64(record, 16, _b);
            U64(record, 24, _c);
            U64(record, 32, _d);
            U64(record, 40, _guid);
        });

    /// <summary>A record of any type, summed up as a sender does.</summary>
    internal void Record(uint type, Action<byte[]> fill, byte[]? payload = null)
    {
        byte[] record = new byte[RecordLength];
        U32(record, 0, type);
        U32(record, 4, type == 0 ? (uint)(payload?.Length ?? 0) : 0);
        fill(record);
        Sum(record.AsSpan(0, RecordLength - 32));
        if (type != 0)
        {
            U64(record, 280, _a);
            U64(record, 288, _b);
            U64(record, 296, _c);
            U64(record, 304, _d);
        }

        Sum(record.AsSpan(RecordLength - 32));
        _out.Write(record);
        if (payload is not null)
        {
            Sum(payload);
            _out.Write(payload);
        }
    }

    internal static byte[] Padded(byte[] bytes, int multiple) => [.. bytes, .. new byte[(multiple - (bytes.Length % multiple)) % multiple]];

    internal void U32(byte[] record, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(at), bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value);

    internal void U64(byte[] record, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at), bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value);

    private void Sum(ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length; at += 4)
        {
            _a += bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            _b += _a;
            _c += _b;
            _d += _c;
        }
    }
}
