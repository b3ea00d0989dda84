namespace EveStorage.ZfsStreamImport;

/// <summary>LZJB, ZFS's first compression: OpenZFS's module/zfs/lzjb.c. It has no length: it ends where the block is full.</summary>
internal static class LzjbBlock
{
    private const int MatchBits = 6;
    private const int ShortestMatch = 3;
    private const int OffsetMask = (1 << (16 - MatchBits)) - 1;

    /// <summary>Fills <paramref name="target"/>; false when the source does not.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int at = 0;
        int map = 0;
        int mask = 0x80;
        for (int done = 0; done < target.Length;)
        {
            mask <<= 1;
            if (mask == 0x100)
            {
                if (at >= source.Length)
                {
                    return false;
                }

                mask = 1;
                map = source[at++];
            }

            if ((map & mask) == 0)
            {
                if (at >= source.Length)
                {
                    return false;
                }

                target[done++] = source[at++];
                continue;
            }

            if (at + 1 >= source.Length)
            {
                return false;
            }

            int length = Math.Min((source[at] >> (8 - MatchBits)) + ShortestMatch, target.Length - done);
            int offset = ((source[at] << 8) | source[at + 1]) & OffsetMask;
            at += 2;
            if (offset == 0 || offset > done)
            {
                return false;
            }

            // They may overlap: what was just written is read again.
            for (int end = done + length; done < end; done++)
            {
                target[done] = target[done - offset];
            }
        }

        return true;
    }
}
