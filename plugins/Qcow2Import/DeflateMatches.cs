using System.Numerics;
using System.Runtime.CompilerServices;

namespace EveStorage.Qcow2Import;

/// <summary>
/// What of a cluster repeats what came before it, within the 4 KiB that QEMU's decoder keeps: hash chains of four bytes, and a
/// look whether the next byte begins a longer repetition.
/// </summary>
internal sealed unsafe class DeflateMatches
{
    internal const int MaxLength = 258;

    private const int Window = 4096;
    private const int MinLength = 4;
    private const int HashBits = 14;
    private const int Deepest = 12;
    private const int LongEnough = 48;

    private readonly int[] _heads = new int[1 << HashBits];
    private readonly int[] _before = new int[Window];
    private readonly uint[] _tokens = new uint[SavedLayout.ClusterSize];
    private int _base;
    private int _inserted;

    /// <summary>A literal, or above it a repetition: its length in the low half, in the high half its distance, which is at least 1.</summary>
    internal ReadOnlySpan<uint> Tokens => _tokens.AsSpan(0, Count);

    private int Count { get; set; }

    /// <summary>Finds them.</summary>
    internal void Find(ReadOnlySpan<byte> cluster)
    {
        // Numbers of positions go on from one cluster to the next, so that the last one's are out of the window and need no clearing.
        _base += SavedLayout.ClusterSize + Window + 1;
        if (_base > int.MaxValue / 2)
        {
            _heads.AsSpan().Clear();
            _base = Window + 1;
        }

        (Count, _inserted) = (0, 0);
        fixed (byte* bytes = cluster)
        {
            Find(bytes, cluster.Length);
        }
    }

    private void Find(byte* bytes, int length)
    {
        int at = 0;
        int misses = 0;
        while (at < length)
        {
            uint found = Longest(bytes, at, length, MinLength - 1);
            if (found == 0)
            {
                // What has repeated nothing for long is looked at less and less often.
                for (int step = Math.Min(1 + (misses++ >> 7), length - at); step > 0; step--)
                {
                    _tokens[Count++] = bytes[at++];
                }

                continue;
            }

            misses = 0;
            while ((found & 0xFFFF) < LongEnough && Longest(bytes, at + 1, length, (int)(found & 0xFFFF)) is uint longer and > 0)
            {
                _tokens[Count++] = bytes[at++];
                found = longer;
            }

            _tokens[Count++] = found;
            at += (int)(found & 0xFFFF);
        }
    }

    // The longest repetition at this position that is longer than another one; 0 when there is none.
    private uint Longest(byte* bytes, int at, int length, int best)
    {
        int most = Math.Min(MaxLength, length - at);
        if (most <= best)
        {
            return 0;
        }

        Insert(bytes, at, length);
        uint found = 0;
        int here = _base + at;
        int candidate = _before[here & (Window - 1)];
        for (int left = Deepest; left > 0 && here - candidate <= Window; left--)
        {
            byte* there = bytes + (candidate - _base);
            if (there[best] == bytes[at + best] && Common(there, bytes + at, most) is int common && common > best)
            {
                best = common;
                found = (uint)(here - candidate) << 16 | (uint)common;
                if (common == most)
                {
                    break;
                }
            }

            int next = _before[candidate & (Window - 1)];
            if (next >= candidate)
            {
                break;   // its place has been taken by a later position
            }

            candidate = next;
        }

        return found;
    }

    // All positions up to this one.
    private void Insert(byte* bytes, int at, int length)
    {
        for (int last = Math.Min(at, length - MinLength); _inserted <= last; _inserted++)
        {
            uint hash = Unsafe.ReadUnaligned<uint>(bytes + _inserted) * 2654435761u >> (32 - HashBits);
            int number = _base + _inserted;
            _before[number & (Window - 1)] = _heads[hash];
            _heads[hash] = number;
        }
    }

    private static int Common(byte* one, byte* other, int most)
    {
        int common = 0;
        for (; common + sizeof(ulong) <= most; common += sizeof(ulong))
        {
            ulong difference = Unsafe.ReadUnaligned<ulong>(one + common) ^ Unsafe.ReadUnaligned<ulong>(other + common);
            if (difference != 0)
            {
                return common + (BitOperations.TrailingZeroCount(BitConverter.IsLittleEndian ? difference : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(difference)) >> 3);
            }
        }

        while (common < most && one[common] == other[common])
        {
            common++;
        }

        return common;
    }
}
