using System.Numerics;
using System.Runtime.InteropServices;

namespace EveStorage.NvmeOf;

/// <summary>The digest of headers and data: CRC32C. NVMe/TCP 1.0c, "Header Digest" and "Data Digest". BitOperations uses the processor's instruction.</summary>
public static class Crc32C
{
    /// <summary>The digest of <paramref name="bytes"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }
}
