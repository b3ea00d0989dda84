using System.Buffers;

namespace EveStorage.Host.Worker;

/// <summary>Reads and decodes one piece after the other into buffers of its own.</summary>
internal sealed class PieceReader(LayeredDisk disk) : IDisposable
{
    // The longest cluster of any format, and what a compressed one takes at most in the file.
    private const int LongestPiece = 4 << 20;

    private readonly byte[] _encoded = ArrayPool<byte>.Shared.Rent(LongestPiece);
    private readonly byte[] _decoded = ArrayPool<byte>.Shared.Rent(LongestPiece);
    private DiskPiece _last;

    /// <summary>Refuses a piece that no format has.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is longer than any cluster.</exception>
    internal static void RequireBounded(in ImageExtent extent, string subject)
    {
        if (extent.Length > LongestPiece || extent.SourceLength > LongestPiece)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"has an extent of {extent.Length} bytes in {extent.SourceLength}");
        }
    }

    /// <summary>The bytes of the disk; valid until the next call.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(DiskPiece piece, CancellationToken cancellationToken)
    {
        // What is compressed is decoded whole. Where another image shows through it in places, the rest is asked for next.
        if (!piece.IsPlain && _last.Layer == piece.Layer && _last.Extent == piece.Extent)
        {
            return PartOf(piece);
        }

        IImageSource source = disk.Layers[piece.Layer].Data;
        ImageExtent extent = piece.IsPlain ? piece.PlainPart(piece.GuestOffset, piece.Length) : piece.Extent;
        RequireBounded(extent, source.Name);
        _last = default;
        int read = await source.ReadAsync(extent.SourceOffset, _encoded.AsMemory(0, (int)extent.SourceLength), cancellationToken);
        return Decode(piece, extent, _encoded.AsMemory(0, read));
    }

    /// <summary>The bytes of the disk, of what was read of its extent before; valid until the next call.</summary>
    internal ReadOnlyMemory<byte> Decode(DiskPiece piece, ReadOnlyMemory<byte> source)
    {
        _last = default;
        return Decode(piece, piece.IsPlain ? piece.PlainPart(piece.GuestOffset, piece.Length) : piece.Extent, source);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_encoded);
        ArrayPool<byte>.Shared.Return(_decoded);
    }

    private ReadOnlyMemory<byte> Decode(DiskPiece piece, in ImageExtent extent, ReadOnlyMemory<byte> source)
    {
        disk.Layers[piece.Layer].Reader.Decode(extent, source.Span, _decoded.AsSpan(0, (int)extent.Length));
        if (piece.IsPlain)
        {
            return _decoded.AsMemory(0, (int)extent.Length);
        }

        _last = piece;
        return PartOf(piece);
    }

    private ReadOnlyMemory<byte> PartOf(DiskPiece piece) => _decoded.AsMemory((int)(piece.GuestOffset - piece.Extent.GuestOffset), (int)piece.Length);
}
