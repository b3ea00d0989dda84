using EveStorage.Linux;
using ZstdSharp.Unsafe;

namespace EveStorage.Qcow2Import;

/// <summary>Decodes zstd frames in pieces, for one thread at a time.</summary>
internal interface IFrameDecoder : IDisposable
{
    /// <summary>Forgets a frame that was broken off.</summary>
    void Reset();

    /// <summary>Goes on with a frame, or begins the next one; gives back what it is about to want: 0 where it has ended.</summary>
    /// <exception cref="InvalidDataException">It does not decode.</exception>
    long Decode(ReadOnlySpan<byte> source, Span<byte> target, out int taken, out int made);
}

/// <summary>By the system's library.</summary>
internal sealed class LibraryFrameDecoder(ZstdLibrary.Decoder decoder) : IFrameDecoder
{
    /// <inheritdoc/>
    public void Reset() => decoder.Reset();

    /// <inheritdoc/>
    public long Decode(ReadOnlySpan<byte> source, Span<byte> target, out int taken, out int made)
        => decoder.Decode(source, target, out taken, out made) ?? throw new InvalidDataException("A frame does not decode.");

    /// <inheritdoc/>
    public void Dispose() => decoder.Dispose();
}

/// <summary>By the port to managed code.</summary>
internal sealed unsafe class PortedFrameDecoder : IFrameDecoder
{
    private ZSTD_DCtx_s* _context = Methods.ZSTD_createDCtx();

    internal PortedFrameDecoder(int maxWindowLog)
        => _ = Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, maxWindowLog);

    /// <inheritdoc/>
    public void Reset() => _ = Methods.ZSTD_DCtx_reset(_context, ZSTD_ResetDirective.ZSTD_reset_session_only);

    /// <inheritdoc/>
    public long Decode(ReadOnlySpan<byte> source, Span<byte> target, out int taken, out int made)
    {
        fixed (byte* from = source, to = target)
        {
            ZSTD_inBuffer_s input = new() { src = from, size = (nuint)source.Length };
            ZSTD_outBuffer_s output = new() { dst = to, size = (nuint)target.Length };
            nuint wants = Methods.ZSTD_decompressStream(_context, &output, &input);
            (taken, made) = ((int)input.pos, (int)output.pos);
            return Methods.ZSTD_isError(wants) ? throw new InvalidDataException(Methods.ZSTD_getErrorName(wants)) : (long)wants;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }
}
