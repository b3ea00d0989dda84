namespace EveStorage.Conformance;

/// <summary>Looks for bytes on a device, as who found it in a drawer would.</summary>
internal static class PlainText
{
    private const int Block = 1 << 20;

    /// <summary>Whether <paramref name="bytes"/> are somewhere on <paramref name="device"/>.</summary>
    internal static async Task<bool> IsInAsync(string device, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await using FileStream file = new(device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

        // What lies over the end of one block is found with the next: its last bytes stay in front.
        byte[] buffer = new byte[Block + bytes.Length];
        int kept = 0;
        for (int read; (read = await file.ReadAsync(buffer.AsMemory(kept, Block), cancellationToken)) > 0;)
        {
            int filled = kept + read;
            if (buffer.AsSpan(0, filled).IndexOf(bytes.Span) >= 0)
            {
                return true;
            }

            kept = Math.Min(filled, bytes.Length - 1);
            buffer.AsSpan(filled - kept, kept).CopyTo(buffer);
        }

        return false;
    }
}
