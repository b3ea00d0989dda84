using System.Buffers.Binary;
using System.Numerics;

namespace EveStorage.Qcow2Import;

/// <summary>
/// Raw deflate of each cluster (RFC 1951), as one block with codes of its own. The framework's reaches back 32 KiB, and a
/// decoder of qcow2 need only keep 4.
/// </summary>
internal sealed class DeflateEncoder : IClusterEncoder
{
    private const int EndOfBlock = 256;
    private const int FirstLength = 257;
    private const int LiteralSymbols = 286;
    private const int DistanceSymbols = 30;
    private const int RepeatedLength = 16;
    private const int FewZeros = 17;
    private const int ManyZeros = 18;

    // In which the lengths of the codes of code lengths are written: RFC 1951, 3.2.7.
    private static readonly byte[] s_order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly DeflateMatches _matches = new();
    private readonly HuffmanCode _literals = new(LiteralSymbols, 15);
    private readonly HuffmanCode _distances = new(DistanceSymbols, 15);
    private readonly HuffmanCode _lengths = new(19, 7);
    private readonly List<(int Symbol, int Extra)> _written = [];

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> cluster, Span<byte> target)
    {
        _matches.Find(cluster);
        long bits = CountSymbols();
        (int literals, int distances) = (UsedOf(_literals, FirstLength), UsedOf(_distances, 1));
        WriteLengths(literals, distances);

        // A header of the block takes 400 bytes at most: a cluster that is about as long without is not worth decoding.
        const int MostOfHeader = 400;
        if ((bits + _literals.Bits + _distances.Bits) / 8 > target.Length - MostOfHeader)
        {
            return 0;
        }

        BitWriter writer = new(target);
        WriteHeader(ref writer, literals, distances);
        WriteTokens(ref writer);
        return writer.End();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    // The symbol of a length or a distance less the first one, by its highest bits, and how many bits follow it: RFC 1951, 3.2.5.
    private static (int Symbol, int ExtraBits) SymbolOf(int value, int kept)
    {
        int high = BitOperations.Log2((uint)value | 1);
        return high <= kept ? (value, 0) : (((high - kept) << kept) + (value >> (high - kept)), high - kept);
    }

    private static (int Symbol, int ExtraBits) LengthSymbol(int length)
    {
        if (length == DeflateMatches.MaxLength)
        {
            return (LiteralSymbols - 1, 0);
        }

        (int symbol, int extra) = SymbolOf(length - 3, 2);
        return (FirstLength + symbol, extra);
    }

    private static (int Symbol, int ExtraBits) DistanceSymbol(int distance) => SymbolOf(distance - 1, 1);

    private static int UsedOf(HuffmanCode code, int least) => Math.Max(least, code.Lengths.LastIndexOfAnyExcept((byte)0) + 1);

    // Gives back how many bits follow the symbols.
    private long CountSymbols()
    {
        long extra = 0;
        _literals.Frequencies.Clear();
        _distances.Frequencies.Clear();
        _literals.Frequencies[EndOfBlock] = 1;
        foreach (uint token in _matches.Tokens)
        {
            if (token <= byte.MaxValue)
            {
                _literals.Frequencies[(int)token]++;
                continue;
            }

            (int length, int lengthBits) = LengthSymbol((int)(token & 0xFFFF));
            (int distance, int distanceBits) = DistanceSymbol((int)(token >> 16));
            _literals.Frequencies[length]++;
            _distances.Frequencies[distance]++;
            extra += lengthBits + distanceBits;
        }

        _literals.Make();
        _distances.Make();
        return extra;
    }

    // Both codes' lengths as one run, in which repetitions are shortened: RFC 1951, 3.2.7.
    private void WriteLengths(int literals, int distances)
    {
        Span<byte> all = stackalloc byte[LiteralSymbols + DistanceSymbols];
        _literals.Lengths[..literals].CopyTo(all);
        _distances.Lengths[..distances].CopyTo(all[literals..]);
        all = all[..(literals + distances)];
        _written.Clear();
        for (int at = 0; at < all.Length;)
        {
            byte length = all[at];
            int run = all[at..].IndexOfAnyExcept(length) is int end and >= 0 ? end : all.Length - at;
            at += length == 0 && run >= 3 ? AddZeros(Math.Min(run, 138)) : AddLength(length, Math.Min(run, 7));
        }

        _lengths.Frequencies.Clear();
        foreach ((int symbol, _) in _written)
        {
            _lengths.Frequencies[symbol]++;
        }

        _lengths.Make();
    }

    private int AddZeros(int run)
    {
        _written.Add(run <= 10 ? (FewZeros, run - 3) : (ManyZeros, run - 11));
        return run;
    }

    private int AddLength(byte length, int run)
    {
        _written.Add((length, 0));
        if (length == 0 || run < 4)
        {
            return 1;
        }

        _written.Add((RepeatedLength, run - 4));
        return run;
    }

    private void WriteHeader(ref BitWriter writer, int literals, int distances)
    {
        int lengths = s_order.Length;
        while (lengths > 4 && _lengths.Lengths[s_order[lengths - 1]] == 0)
        {
            lengths--;
        }

        writer.Write(0b101, 3);   // the last block, with codes of its own
        writer.Write((uint)(literals - FirstLength), 5);
        writer.Write((uint)(distances - 1), 5);
        writer.Write((uint)(lengths - 4), 4);
        foreach (byte symbol in s_order.AsSpan(0, lengths))
        {
            writer.Write(_lengths.Lengths[symbol], 3);
        }

        foreach ((int symbol, int extra) in _written)
        {
            writer.Write(_lengths.Codes[symbol], _lengths.Lengths[symbol]);
            writer.Write((uint)extra, symbol switch { RepeatedLength => 2, FewZeros => 3, ManyZeros => 7, _ => 0 });
        }
    }

    private void WriteTokens(ref BitWriter writer)
    {
        ReadOnlySpan<byte> literalLengths = _literals.Lengths;
        ReadOnlySpan<ushort> literalCodes = _literals.Codes;
        foreach (uint token in _matches.Tokens)
        {
            if (token <= byte.MaxValue)
            {
                writer.Write(literalCodes[(int)token], literalLengths[(int)token]);
                continue;
            }

            (int length, int distance) = ((int)(token & 0xFFFF), (int)(token >> 16));
            (int symbol, int extra) = LengthSymbol(length);
            writer.Write(literalCodes[symbol], literalLengths[symbol]);
            writer.Write((uint)(length - 3) & ((1u << extra) - 1), extra);
            (symbol, extra) = DistanceSymbol(distance);
            writer.Write(_distances.Codes[symbol], _distances.Lengths[symbol]);
            writer.Write((uint)(distance - 1) & ((1u << extra) - 1), extra);
        }

        writer.Write(literalCodes[EndOfBlock], literalLengths[EndOfBlock]);
    }

    /// <summary>Writes bits, the first one lowest. What is written fits, as was counted before.</summary>
    private ref struct BitWriter(Span<byte> target)
    {
        private readonly Span<byte> _target = target;
        private ulong _bits;
        private int _count;
        private int _length;

        internal void Write(uint bits, int count)
        {
            _bits |= (ulong)bits << _count;
            _count += count;
            if (_count >= 32)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(_target[_length..], (uint)_bits);
                _length += sizeof(uint);
                _bits >>= 32;
                _count -= 32;
            }
        }

        internal int End()
        {
            for (; _count > 0; _count -= 8)
            {
                _target[_length++] = (byte)_bits;
                _bits >>= 8;
            }

            return _length;
        }
    }
}
