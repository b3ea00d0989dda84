using System.Buffers.Binary;
using ZstdSharp.Unsafe;

namespace EveStorage.ZfsStreamImport;

/// <summary>
/// Decodes one block after the other of zstd as ZFS writes it: a length, a level and version that are of no use here, and a
/// frame without its magic number ("zfs_zstdhdr" in OpenZFS's include/sys/zstd/zstd.h).
/// </summary>
internal sealed unsafe class ZstdBlock : IDisposable
{
    private const int HeaderLength = 8;

    // The longest block has 2^24 bytes; a frame that wants a larger window only wants memory.
    private const int MaxWindowLog = 24;

    private ZSTD_DCtx_s* _context;

    internal ZstdBlock()
    {
        _context = Methods.ZSTD_createDCtx();
        _ = Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        _ = Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_experimentalParam1, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
    }

    /// <summary>Fills <paramref name="target"/> from a block; false when it does not.</summary>
    internal bool TryDecodeZfs(ReadOnlySpan<byte> source, Span<byte> target)
    {
        if (source.Length < HeaderLength || BinaryPrimitives.ReadUInt32BigEndian(source) is uint length && length > source.Length - HeaderLength)
        {
            return false;
        }

        ReadOnlySpan<byte> frame = source.Slice(HeaderLength, (int)BinaryPrimitives.ReadUInt32BigEndian(source));
        fixed (byte* from = frame, to = target)
        {
            nuint decoded = Methods.ZSTD_decompressDCtx(_context, to, (nuint)target.Length, from, (nuint)frame.Length);
            return !Methods.ZSTD_isError(decoded) && decoded == (nuint)target.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }
}
