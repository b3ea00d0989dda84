using EveStorage.Linux;
using ZstdSharp.Unsafe;

namespace EveStorage.Qcow2Import;

/// <summary>A zstd frame of each cluster, by the system's library.</summary>
internal sealed class ZstdEncoder(ZstdLibrary library) : IClusterEncoder
{
    /// <summary>A fast level of it: half as long again to compress saves a fiftieth of the space.</summary>
    internal const int Level = 1;

    private readonly ZstdLibrary.Encoder _encoder = library.MakeEncoder(Level);

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> cluster, Span<byte> target) => _encoder.Encode(cluster, target);

    /// <inheritdoc/>
    public void Dispose() => _encoder.Dispose();
}

/// <summary>The same by the port to managed code.</summary>
internal sealed unsafe class PortedZstdEncoder : IClusterEncoder
{
    private ZSTD_CCtx_s* _context = Methods.ZSTD_createCCtx();

    internal PortedZstdEncoder() => _ = Methods.ZSTD_CCtx_setParameter(_context, ZSTD_cParameter.ZSTD_c_compressionLevel, ZstdEncoder.Level);

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> cluster, Span<byte> target)
    {
        fixed (byte* from = cluster, to = target)
        {
            nuint length = Methods.ZSTD_compress2(_context, to, (nuint)target.Length, from, (nuint)cluster.Length);
            return Methods.ZSTD_isError(length) ? 0 : (int)length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Methods.ZSTD_freeCCtx(_context);
        _context = null;
    }
}
