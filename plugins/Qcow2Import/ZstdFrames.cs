using ZstdSharp.Unsafe;

namespace EveStorage.Qcow2Import;

/// <summary>Decodes the zstd frames of one cluster after the other. What one leaves behind never reaches the next.</summary>
internal sealed unsafe class ZstdFrames : IDisposable
{
    // The largest cluster has 2^21 bytes; a frame that wants a larger window only wants memory.
    private const int MaxWindowLog = 22;

    private ZSTD_DCtx_s* _context;

    internal ZstdFrames()
    {
        _context = Methods.ZSTD_createDCtx();
        _ = Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
    }

    /// <summary>Decodes frames until <paramref name="target"/> is full; gives back how much of it is, when the source ends before.</summary>
    /// <param name="source">The frames, and perhaps other bytes behind.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="isWhole">Whether the target is a whole cluster, and not cut short where the disk ends.</param>
    /// <exception cref="InvalidDataException">They don't decode, or the last one wants to go on.</exception>
    internal int Decode(ReadOnlySpan<byte> source, Span<byte> target, bool isWhole)
    {
        // A frame that a bad cluster broke off would go on in this one.
        _ = Methods.ZSTD_DCtx_reset(_context, ZSTD_ResetDirective.ZSTD_reset_session_only);
        fixed (byte* from = source, to = target)
        {
            ZSTD_inBuffer_s input = new() { src = from, size = (nuint)source.Length };
            ZSTD_outBuffer_s output = new() { dst = to, size = (nuint)target.Length };
            nuint missing = 0;
            while (output.pos < output.size)
            {
                (nuint read, nuint written) = (input.pos, output.pos);
                missing = Methods.ZSTD_decompressStream(_context, &output, &input);
                if (Methods.ZSTD_isError(missing))
                {
                    throw new InvalidDataException(Methods.ZSTD_getErrorName(missing));
                }

                if (input.pos == read && output.pos == written)
                {
                    return (int)output.pos;
                }
            }

            // As QEMU has it: when a cluster is full its last frame has ended.
            return missing == 0 || !isWhole ? target.Length : throw new InvalidDataException("A frame is longer than its cluster.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }
}
