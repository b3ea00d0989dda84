using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EveStorage.ZfsStream;

/// <summary>The four sums of fletcher-4 over 32-bit words, each modulo 2^64.</summary>
/// <param name="A">The words.</param>
/// <param name="B">The values that <paramref name="A"/> had.</param>
/// <param name="C">The values that <paramref name="B"/> had.</param>
/// <param name="D">The values that <paramref name="C"/> had.</param>
internal readonly record struct Fletcher4Sums(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>What a sender that makes no checksum writes in its place.</summary>
    internal bool IsZero => (A | B | C | D) == 0;

    /// <summary>These sums once <paramref name="count"/> more words, which by themselves have the sums <paramref name="next"/>, have followed.</summary>
    internal Fletcher4Sums Then(Fletcher4Sums next, uint count)
    {
        // n, n(n+1)/2 and n(n+1)(n+2)/6 of at most 2^32 words: the last has 94 bits before it is cut to 64.
        UInt128 n = count;
        UInt128 pairs = n * (n + 1) / 2;
        ulong triples = (ulong)(pairs * (n + 2) / 3);
        return new(
            A + next.A,
            B + (count * A) + next.B,
            C + (count * B) + ((ulong)pairs * A) + next.C,
            D + (count * C) + ((ulong)pairs * B) + (triples * A) + next.D);
    }
}

/// <summary>Sums up bytes by fletcher-4, in pieces of whole words, as <c>fletcher_4_incremental</c> of OpenZFS does.</summary>
internal sealed class Fletcher4(bool swapped)
{
    private const int WordLength = sizeof(uint);

    // Below this, four lanes cost more to fold than they save.
    private const int ShortestForLanes = 1024;
    private const int SwapLength = 1024;

    /// <summary>The sums of all that was added.</summary>
    internal Fletcher4Sums Sums { get; private set; }

    /// <summary>Adds bytes: a multiple of 4.</summary>
    internal void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % WordLength != 0)
        {
            throw new ArgumentException("has a part of a word", nameof(bytes));
        }

        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(bytes);
        if (swapped != BitConverter.IsLittleEndian)
        {
            AddWords(words);
            return;
        }

        Span<uint> other = stackalloc uint[SwapLength];
        for (; !words.IsEmpty; words = words[Math.Min(SwapLength, words.Length)..])
        {
            Span<uint> piece = other[..Math.Min(SwapLength, words.Length)];
            BinaryPrimitives.ReverseEndianness(words[..piece.Length], piece);
            AddWords(piece);
        }
    }

    /// <summary>The sums of words by themselves, one word after the other.</summary>
    internal static Fletcher4Sums Scalar(ReadOnlySpan<uint> words, Fletcher4Sums from)
    {
        (ulong a, ulong b, ulong c, ulong d) = (from.A, from.B, from.C, from.D);
        foreach (uint word in words)
        {
            a += word;
            b += a;
            c += b;
            d += c;
        }

        return new(a, b, c, d);
    }

    /// <summary>The sums of words by themselves, in four lanes: lane i has the words 4k + i. Their number is a multiple of 8.</summary>
    internal static Fletcher4Sums Lanes(ReadOnlySpan<uint> words)
    {
        Vector256<ulong> a = default, b = default, c = default, d = default;
        foreach (Vector256<uint> eight in MemoryMarshal.Cast<uint, Vector256<uint>>(words))
        {
            (Vector256<ulong> first, Vector256<ulong> second) = Vector256.Widen(eight);
            a += first;
            b += a;
            c += b;
            d += c;
            a += second;
            b += a;
            c += b;
            d += c;
        }

        // The sums of a lane count its steps, and a step is four words: the weights are those of OpenZFS's zfs_fletcher_superscalar4.c.
        Vector256<ulong> lane = Vector256.Create(0UL, 1, 2, 3);
        ulong sumA = Vector256.Sum(a);
        ulong sumB = (4 * Vector256.Sum(b)) - Vector256.Sum(a * lane);
        ulong sumC = (16 * Vector256.Sum(c)) - Vector256.Sum(b * Vector256.Create(6UL, 10, 14, 18)) + Vector256.Sum(a * Vector256.Create(0UL, 0, 1, 3));
        ulong sumD = (64 * Vector256.Sum(d)) - Vector256.Sum(c * Vector256.Create(48UL, 64, 80, 96))
            + Vector256.Sum(b * Vector256.Create(4UL, 10, 20, 34)) - a[3];
        return new(sumA, sumB, sumC, sumD);
    }

    private void AddWords(ReadOnlySpan<uint> words)
    {
        if (words.Length * WordLength >= ShortestForLanes && Vector256.IsHardwareAccelerated)
        {
            ReadOnlySpan<uint> even = words[..(words.Length & ~7)];
            Sums = Sums.Then(Lanes(even), (uint)even.Length);
            words = words[even.Length..];
        }

        Sums = Scalar(words, Sums);
    }
}
