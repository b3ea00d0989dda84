namespace EveStorage;

/// <summary>A disk image format.</summary>
public interface IImageFormat
{
    /// <summary>What it says of itself: the same at all times.</summary>
    ImageFormatCapabilities Capabilities { get; }

    /// <summary>Whether an image starting with <paramref name="head"/> is of this format.</summary>
    bool Recognizes(ReadOnlySpan<byte> head);

    /// <summary>Opens and validates an image. The reader owns <paramref name="source"/>; so does this call, when it throws.</summary>
    /// <exception cref="StorageException">It is corrupt, uses a feature that is not supported, or needs a source that can seek.</exception>
    ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken);
}

/// <summary>An open image: where its bytes lie and how they are decoded. The host reads, decodes in parallel and writes.</summary>
public interface IImageReader : IAsyncDisposable
{
    /// <summary>The size of the disk in it.</summary>
    ByteSize VirtualSize { get; }

    /// <summary>What a person wants to know of it, by the format's own terms: <c>cluster size</c>, <c>compression</c>.</summary>
    IReadOnlyDictionary<string, string> Details { get; }

    /// <summary>Its extents, each part of the disk once: where the source can't seek, in the order of the source, so that a pipe will do.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it is known what the image is, as
    /// <see cref="Details"/> tell, and its disk can't be read. Thrown before the first extent.</exception>
    IAsyncEnumerable<ImageExtent> ReadExtentsAsync(CancellationToken cancellationToken);

    /// <summary>Turns the source's bytes of a data extent into the disk's. Safe for many calls at once.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: they are not what the extent says.</exception>
    void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target);
}

/// <summary>An open image on a source that can seek: its disk can be read in any order, as a lazy attach needs.</summary>
public interface ISeekableImageReader : IImageReader
{
    /// <summary>The extent that holds the disk's byte at <paramref name="guestOffset"/>. It may have to read a table first.</summary>
    ValueTask<ImageExtent> LookupAsync(long guestOffset, CancellationToken cancellationToken);
}
