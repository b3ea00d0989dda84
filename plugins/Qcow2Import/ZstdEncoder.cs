using ZstdSharp.Unsafe;

namespace EveStorage.Qcow2Import;

/// <summary>A zstd frame of each cluster.</summary>
internal sealed unsafe class ZstdEncoder : IClusterEncoder
{
    // A fast one of them: half as long again to compress saves a fiftieth of the space.
    private const int Level = 1;

    private ZSTD_CCtx_s* _context = Methods.ZSTD_createCCtx();

    internal ZstdEncoder() => _ = Methods.ZSTD_CCtx_setParameter(_context, ZSTD_cParameter.ZSTD_c_compressionLevel, Level);

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
