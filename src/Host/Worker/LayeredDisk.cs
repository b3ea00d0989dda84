using System.Runtime.CompilerServices;

namespace EveStorage.Host.Worker;

/// <summary>One image of a chain.</summary>
/// <param name="Reader">It, open.</param>
/// <param name="Data">Where the bytes of its extents lie: its own source, or another file.</param>
internal sealed record DiskLayer(IImageReader Reader, IImageSource Data);

/// <summary>A run of the disk, and the extent that has it.</summary>
/// <param name="Layer">Which image of the chain.</param>
/// <param name="Extent">The extent. It may be longer than the run.</param>
/// <param name="GuestOffset">Where the run begins on the disk.</param>
/// <param name="Length">How long it is.</param>
internal readonly record struct DiskPiece(int Layer, ImageExtent Extent, long GuestOffset, long Length)
{
    /// <summary>Whether it has bytes.</summary>
    internal bool IsData => Extent.Kind == ExtentKind.Data;

    /// <summary>Whether its bytes can be had without the rest of its extent.</summary>
    internal bool IsPlain => Extent.Encoding == ExtentEncoding.Plain;

    /// <summary>The part of a plain run from <paramref name="at"/>, as an extent of its own.</summary>
    internal ImageExtent PlainPart(long at, long length)
    {
        long skipped = at - Extent.GuestOffset;
        return Extent with
        {
            GuestOffset = at,
            Length = length,
            SourceOffset = Extent.SourceOffset + skipped,
            SourceLength = Math.Clamp(Extent.SourceLength - skipped, 0, length),
        };
    }
}

/// <summary>The disk of an image and of those behind it: where one has nothing, it is the next one's.</summary>
internal sealed class LayeredDisk(IReadOnlyList<DiskLayer> layers) : IAsyncDisposable
{
    /// <summary>The chain, the image itself first.</summary>
    internal IReadOnlyList<DiskLayer> Layers => layers;

    /// <summary>The size of the disk.</summary>
    internal ByteSize VirtualSize => layers[0].Reader.VirtualSize;

    /// <summary>All of the disk, in the order of the image's extents.</summary>
    internal async IAsyncEnumerable<DiskPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ImageExtent extent in layers[0].Reader.ReadExtentsAsync(cancellationToken))
        {
            if (extent.Kind != ExtentKind.Hole || layers.Count == 1)
            {
                yield return new(0, extent, extent.GuestOffset, extent.Length);
                continue;
            }

            long end = extent.GuestOffset + extent.Length;
            for (long at = extent.GuestOffset; at < end;)
            {
                DiskPiece piece = await LookupAsync(1, at, end, cancellationToken);
                yield return piece;
                at += piece.Length;
            }
        }
    }

    /// <summary>The run that begins at <paramref name="guestOffset"/>, to the end of its extent at most.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the image is a stream.</exception>
    internal ValueTask<DiskPiece> LookupAsync(long guestOffset, CancellationToken cancellationToken)
        => LookupAsync(0, guestOffset, VirtualSize.Bytes, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (DiskLayer layer in layers)
        {
            await layer.Reader.DisposeAsync();
            await layer.Data.DisposeAsync();
        }
    }

    private async ValueTask<DiskPiece> LookupAsync(int first, long at, long end, CancellationToken cancellationToken)
    {
        for (int layer = first; ; layer++)
        {
            if (layers[layer].Reader is not ISeekableImageReader reader)
            {
                throw new StorageException(StorageErrorKind.NotSupported, layers[layer].Data.Name, "can't be read out of order");
            }

            if (at >= reader.VirtualSize.Bytes)
            {
                return new(layer, new(at, end - at, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain), at, end - at);
            }

            ImageExtent extent = await reader.LookupAsync(at, cancellationToken);
            end = Math.Min(end, extent.GuestOffset + extent.Length);
            if (extent.Kind != ExtentKind.Hole || layer == layers.Count - 1)
            {
                return new(layer, extent, at, end - at);
            }
        }
    }
}
