namespace EveStorage.ZfsStreamImport;

/// <summary>ZLE, which shortens runs of zeros: OpenZFS's module/zfs/zle.c, at its level 64.</summary>
internal static class ZleBlock
{
    private const int LongestLiteral = 64;

    /// <summary>Fills <paramref name="target"/>; false when the source does not.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            if (source.IsEmpty)
            {
                return false;
            }

            int length = source[0] + 1;
            source = source[1..];
            if (length <= LongestLiteral)
            {
                if (length > source.Length || length > target.Length)
                {
                    return false;
                }

                source[..length].CopyTo(target);
                source = source[length..];
            }
            else
            {
                length -= LongestLiteral;
                if (length > target.Length)
                {
                    return false;
                }

                target[..length].Clear();
            }

            target = target[length..];
        }

        return true;
    }
}
