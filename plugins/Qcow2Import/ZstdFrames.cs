namespace EveStorage.Qcow2Import;

/// <summary>Decodes the zstd frames of one cluster after the other. What one leaves behind never reaches the next.</summary>
internal sealed class ZstdFrames(IFrameDecoder decoder) : IDisposable
{
    /// <summary>Decodes frames until <paramref name="target"/> is full; gives back how much of it is, when the source ends before.</summary>
    /// <param name="source">The frames, and perhaps other bytes behind.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="isWhole">Whether the target is a whole cluster, and not cut short where the disk ends.</param>
    /// <exception cref="InvalidDataException">They don't decode, or the last one wants to go on.</exception>
    internal int Decode(ReadOnlySpan<byte> source, Span<byte> target, bool isWhole)
    {
        // A frame that a bad cluster broke off would go on in this one.
        decoder.Reset();
        int read = 0;
        int written = 0;
        long missing = 0;
        while (written < target.Length)
        {
            missing = decoder.Decode(source[read..], target[written..], out int taken, out int made);
            if (taken == 0 && made == 0)
            {
                return written;
            }

            read += taken;
            written += made;
        }

        // As QEMU has it: when a cluster is full its last frame has ended.
        return missing == 0 || !isWhole ? target.Length : throw new InvalidDataException("A frame is longer than its cluster.");
    }

    /// <inheritdoc/>
    public void Dispose() => decoder.Dispose();
}
