namespace EveStorage.Qcow2Import;

/// <summary>A prefix code of bounded length over the symbols that occur (RFC 1951, 3.2.2).</summary>
internal sealed class HuffmanCode(int symbols, int longest)
{
    private readonly int[] _frequencies = new int[symbols];
    private readonly byte[] _lengths = new byte[symbols];
    private readonly ushort[] _codes = new ushort[symbols];
    private readonly (long Frequency, int Symbol)[] _sorted = new (long, int)[symbols];
    private readonly long[] _weights = new long[2 * symbols];
    private readonly int[] _parents = new int[2 * symbols];

    /// <summary>How often each symbol occurs.</summary>
    internal Span<int> Frequencies => _frequencies;

    /// <summary>How long the code of each symbol is; 0 where it has none.</summary>
    internal ReadOnlySpan<byte> Lengths => _lengths;

    /// <summary>The codes, their first bit lowest.</summary>
    internal ReadOnlySpan<ushort> Codes => _codes;

    /// <summary>How many bits all symbols take together.</summary>
    internal long Bits
    {
        get
        {
            long bits = 0;
            for (int symbol = 0; symbol < symbols; symbol++)
            {
                bits += (long)_frequencies[symbol] * _lengths[symbol];
            }

            return bits;
        }
    }

    /// <summary>Makes the code.</summary>
    internal void Make()
    {
        int used = 0;
        _lengths.AsSpan().Clear();
        for (int symbol = 0; symbol < symbols; symbol++)
        {
            if (_frequencies[symbol] > 0)
            {
                _sorted[used++] = (_frequencies[symbol], symbol);
            }
        }

        Array.Sort(_sorted, 0, used);
        if (used <= 2)
        {
            // One bit each. Some decoders want a whole code of the lengths of repetitions, none of their distances.
            foreach ((_, int symbol) in _sorted.AsSpan(0, used))
            {
                _lengths[symbol] = 1;
            }
        }
        else
        {
            Span<int> ofLength = stackalloc int[64];
            CountLengths(used, ofLength);
            Shorten(ofLength);
            Assign(used, ofLength);
        }

        Number();
    }

    // Two queues: leaves by frequency, and inner nodes, which come out by weight.
    private void CountLengths(int used, Span<int> ofLength)
    {
        (int leaf, int inner) = (0, used);
        for (int made = used; made < (2 * used) - 1; made++)
        {
            _weights[made] = 0;
            for (int child = 0; child < 2; child++)
            {
                int taken = leaf < used && (inner >= made || _sorted[leaf].Frequency <= _weights[inner]) ? leaf++ : inner++;
                _weights[made] += taken < used ? _sorted[taken].Frequency : _weights[taken];
                _parents[taken] = made;
            }
        }

        // From the root, which has been made last, each is one deeper than its parent.
        int root = (2 * used) - 2;
        _weights[root] = 0;
        for (int node = root - 1; node >= 0; node--)
        {
            long depth = _weights[_parents[node]] + 1;
            if (node >= used)
            {
                _weights[node] = depth;
            }
            else
            {
                ofLength[(int)Math.Min(depth, ofLength.Length - 1)]++;
            }
        }
    }

    // What is too long becomes as long as may be, and one shorter code after the other gives up half of its room for that.
    private void Shorten(Span<int> ofLength)
    {
        for (int length = longest + 1; length < ofLength.Length; length++)
        {
            ofLength[longest] += ofLength[length];
            ofLength[length] = 0;
        }

        long room = 0;
        for (int length = 1; length <= longest; length++)
        {
            room += (long)ofLength[length] << (longest - length);
        }

        for (; room > 1L << longest; room--)
        {
            ofLength[longest]--;
            int length = longest - 1;
            while (ofLength[length] == 0)
            {
                length--;
            }

            ofLength[length]--;
            ofLength[length + 1] += 2;
        }
    }

    private void Assign(int used, ReadOnlySpan<int> ofLength)
    {
        int at = used;
        for (int length = 1; length <= longest; length++)
        {
            for (int left = ofLength[length]; left > 0; left--)
            {
                _lengths[_sorted[--at].Symbol] = (byte)length;
            }
        }
    }

    private void Number()
    {
        int code = 0;
        for (int length = 1; length <= longest; length++)
        {
            code <<= 1;
            for (int symbol = 0; symbol < symbols; symbol++)
            {
                if (_lengths[symbol] == length)
                {
                    _codes[symbol] = Reversed(code++, length);
                }
            }
        }
    }

    private static ushort Reversed(int code, int length)
    {
        int reversed = 0;
        for (; length > 0; length--)
        {
            reversed = (reversed << 1) | (code & 1);
            code >>= 1;
        }

        return (ushort)reversed;
    }
}
