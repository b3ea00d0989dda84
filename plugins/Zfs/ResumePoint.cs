using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace EveStorage.Zfs;

/// <summary>
/// Where a receive goes on that was cut short: what <c>receive_resume_token</c> of a dataset holds. OpenZFS, lib/libzfs/libzfs_sendrecv.c:
/// zfs_send_resume_token_to_nvlist. A list is as in memory, module/nvpair/nvpair.c: NV_ENCODE_NATIVE.
/// </summary>
/// <param name="Object">The object that was written last.</param>
/// <param name="Offset">Where it was written last, which is written again.</param>
/// <param name="ToGuid">The stream, by the guid of its snapshot.</param>
internal sealed record ResumePoint(ulong Object, ulong Offset, ulong ToGuid)
{
    private const int LongestList = 64 << 10;
    private const int ListHead = 12;   // encoding, byte order, two reserved bytes, version, flags
    private const int PairHead = 16;   // its length, its name's, a reserved number, how many values, their type
    private const int UInt64 = 8;   // sys/nvpair.h: DATA_TYPE_UINT64

    /// <summary>Reads a token; null when it is none that is known.</summary>
    internal static ResumePoint? Read(string? token)
    {
        // Its version, a checksum, the length of the list, and the list by zlib in hexadecimal digits.
        if (token?.Split('-') is not ["1", _, string length, string digits]
            || !int.TryParse(length, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int bytes) || bytes is < ListHead or > LongestList)
        {
            return null;
        }

        byte[] list = new byte[bytes];
        try
        {
            using ZLibStream unpacked = new(new MemoryStream(Convert.FromHexString(digits)), CompressionMode.Decompress);
            if (unpacked.ReadAtLeast(list, bytes, throwOnEndOfStream: false) < bytes)
            {
                return null;
            }
        }
        catch (Exception e) when (e is FormatException or InvalidDataException)
        {
            return null;
        }

        Dictionary<string, ulong> numbers = NumbersOf(list);
        return numbers.TryGetValue("object", out ulong item) && numbers.TryGetValue("offset", out ulong offset) && numbers.TryGetValue("toguid", out ulong to)
            ? new(item, offset, to)
            : null;
    }

    /// <summary>What BEGIN of a stream that goes on from here carries.</summary>
    internal byte[] ToPayload()
    {
        byte[] list = new byte[ListHead + 40 + 40 + 4];
        list[1] = 1;   // little-endian
        list[8] = 1;   // NV_UNIQUE_NAME
        WritePair(list.AsSpan(ListHead, 40), "resume_object", Object);
        WritePair(list.AsSpan(ListHead + 40, 40), "resume_offset", Offset);
        return list;
    }

    private static Dictionary<string, ulong> NumbersOf(ReadOnlySpan<byte> list)
    {
        Dictionary<string, ulong> numbers = [];
        if (list[0] != 0 || list[1] != 1)
        {
            return numbers;
        }

        ReadOnlySpan<byte> rest = list[ListHead..];
        while (rest.Length >= PairHead && BinaryPrimitives.ReadInt32LittleEndian(rest) is >= PairHead and int length && length <= rest.Length)
        {
            ReadOnlySpan<byte> pair = rest[..length];
            int name = BinaryPrimitives.ReadUInt16LittleEndian(pair[4..]);
            int value = (PairHead + name + 7) & ~7;
            if (BinaryPrimitives.ReadInt32LittleEndian(pair[12..]) == UInt64 && name > 0 && value + sizeof(ulong) <= length)
            {
                numbers[Encoding.ASCII.GetString(pair.Slice(PairHead, name - 1))] = BinaryPrimitives.ReadUInt64LittleEndian(pair[value..]);
            }

            rest = rest[length..];
        }

        return numbers;
    }

    private static void WritePair(Span<byte> pair, string name, ulong value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(pair, pair.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(pair[4..], (ushort)(name.Length + 1));
        BinaryPrimitives.WriteInt32LittleEndian(pair[8..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(pair[12..], UInt64);
        Encoding.ASCII.GetBytes(name, pair[PairHead..]);
        BinaryPrimitives.WriteUInt64LittleEndian(pair[^sizeof(ulong)..], value);
    }
}
