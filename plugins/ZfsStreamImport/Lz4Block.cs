using System.Buffers.Binary;

namespace EveStorage.ZfsStreamImport;

/// <summary>An LZ4 block (lz4_Block_format.md of the LZ4 project), and the length that ZFS puts before it.</summary>
internal static class Lz4Block
{
    private const int ShortestMatch = 4;
    private const int LongerFollows = 15;

    // What a processor moves at once: one copy does for most literals and matches.
    private const int CopyLength = 16;

    /// <summary>Fills <paramref name="target"/> from a block as ZFS writes it; false when it does not.</summary>
    internal static bool TryDecodeZfs(ReadOnlySpan<byte> source, Span<byte> target)
        => source.Length > sizeof(uint)
            && BinaryPrimitives.ReadUInt32BigEndian(source) is uint length && length <= source.Length - sizeof(uint)
            && TryDecode(source.Slice(sizeof(uint), (int)length), target);

    /// <summary>Fills <paramref name="target"/> from exactly <paramref name="source"/>; false when it does not.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int at = 0;
        int done = 0;
        while (at < source.Length)
        {
            int token = source[at++];
            int literals = token >> 4;
            if (literals == LongerFollows && !TryReadLonger(source, ref at, ref literals))
            {
                return false;
            }

            if (literals > source.Length - at || literals > target.Length - done)
            {
                return false;
            }

            if (literals <= CopyLength && source.Length - at >= CopyLength && target.Length - done >= CopyLength)
            {
                source.Slice(at, CopyLength).CopyTo(target[done..]);
            }
            else
            {
                source.Slice(at, literals).CopyTo(target[done..]);
            }

            at += literals;
            done += literals;
            if (at == source.Length)
            {
                return done == target.Length;   // the last sequence is literals alone
            }

            if (source.Length - at < 2)
            {
                return false;
            }

            int offset = BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            at += 2;
            int match = token & LongerFollows;
            if (match == LongerFollows && !TryReadLonger(source, ref at, ref match))
            {
                return false;
            }

            match += ShortestMatch;
            if (offset == 0 || offset > done || match > target.Length - done)
            {
                return false;
            }

            CopyMatch(target, done, offset, match);
            done += match;
        }

        return false;
    }

    private static void CopyMatch(Span<byte> target, int done, int offset, int length)
    {
        if (offset >= CopyLength && length <= CopyLength && target.Length - done >= CopyLength)
        {
            target.Slice(done - offset, CopyLength).CopyTo(target[done..]);
            return;
        }

        // A match that reaches into itself repeats what lies before it: each copy doubles what there is to copy.
        Span<byte> from = target[(done - offset)..];
        for (int copied = 0; copied < length;)
        {
            int next = Math.Min(offset + copied, length - copied);
            from[..next].CopyTo(from[(offset + copied)..]);
            copied += next;
        }
    }

    // Bytes that are added, up to one below 255. A length beyond any block's is refused, so that nothing overflows.
    private static bool TryReadLonger(ReadOnlySpan<byte> source, ref int at, ref int length)
    {
        while (at < source.Length && length <= StreamRecord.MaxBlockSize)
        {
            byte more = source[at++];
            length += more;
            if (more < byte.MaxValue)
            {
                return true;
            }
        }

        return false;
    }
}
