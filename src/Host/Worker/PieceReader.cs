using System.Buffers;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Worker;

/// <summary>Reads and decodes one piece after the other into buffers of its own.</summary>
internal sealed class PieceReader(LayeredDisk disk) : IDisposable
{
    /// <summary>The longest cluster of any format, and what a compressed one takes at most in the file.</summary>
    internal const int LongestPiece = 4 << 20;

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

    /// <summary>The bytes of the disk, of all of a task; valid until the next call, and until the task lets go of its own.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CopyTask task, CancellationToken cancellationToken)
    {
        DiskPiece first = task.First;
        if (task.Pieces.Count == 1 && !task.HasBytes)
        {
            return await ReadAsync(first, cancellationToken);
        }

        _last = default;
        if (task.Pieces.Count == 1)
        {
            return Decode(first, first.IsPlain ? first.PlainPart(first.GuestOffset, first.Length) : first.Extent, task.BytesOf(0));
        }

        int read = task.HasBytes
            ? 0
            : await disk.Layers[first.Layer].Data.ReadAsync(task.SourceStart, _encoded.AsMemory(0, (int)(task.SourceEnd - task.SourceStart)), cancellationToken);
        IImageReader reader = disk.Layers[first.Layer].Reader;
        for (int at = 0; at < task.Pieces.Count; at++)
        {
            ImageExtent extent = task.Pieces[at].Extent;
            ReadOnlyMemory<byte> bytes = task.HasBytes ? task.BytesOf(at) : Encoded(extent, task.SourceStart, read);
            Decode(reader, extent, bytes.Span, _decoded.AsSpan((int)(extent.GuestOffset - task.GuestOffset), (int)extent.Length));
        }

        return _decoded.AsMemory(0, (int)task.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_encoded);
        ArrayPool<byte>.Shared.Return(_decoded);
    }

    // A file may end within a cluster's last sector.
    private ReadOnlyMemory<byte> Encoded(in ImageExtent extent, long start, int read)
    {
        int from = (int)Math.Min(extent.SourceOffset - start, read);
        return _encoded.AsMemory(from, (int)Math.Min(extent.SourceLength, read - from));
    }

    private ReadOnlyMemory<byte> Decode(DiskPiece piece, in ImageExtent extent, ReadOnlyMemory<byte> source)
    {
        if (piece.IsPlain && source.Length == extent.Length)
        {
            return source;   // all of it is there, as the guest reads it
        }

        Decode(disk.Layers[piece.Layer].Reader, extent, source.Span, _decoded.AsSpan(0, (int)extent.Length));
        if (piece.IsPlain)
        {
            return _decoded.AsMemory(0, (int)extent.Length);
        }

        _last = piece;
        return PartOf(piece);
    }

    // A format says what is wrong; where on the disk that is, whoever has to do something about it wants to know, too.
    private static void Decode(IImageReader reader, in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
    {
        try
        {
            reader.Decode(extent, source, target);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
        {
            throw new StorageException(e.Kind, e.Subject, $"{ErrorReport.Of(e).Message}, at byte {extent.GuestOffset} of its disk", e);
        }
    }

    private ReadOnlyMemory<byte> PartOf(DiskPiece piece) => _decoded.AsMemory((int)(piece.GuestOffset - piece.Extent.GuestOffset), (int)piece.Length);
}
