namespace EveStorage;

/// <summary>A volume that is written to an image.</summary>
public sealed record SavedVolume
{
    /// <summary>Its name.</summary>
    public required VolumeName Name { get; init; }

    /// <summary>An id that was drawn for this image: the same volume, written once more, may be another content.</summary>
    public required Guid Id { get; init; }

    /// <summary>When it is written.</summary>
    public required DateTimeOffset Taken { get; init; }

    /// <summary>Its bytes.</summary>
    public required IBlockSource Blocks { get; init; }

    /// <summary>How they are compressed, by one of <see cref="ImageFormatCapabilities.Compressions"/>; null for as the format does by itself.</summary>
    public string? Compression { get; init; }
}

/// <summary>A format that volumes can be written in.</summary>
public interface IImageWriter : IImageFormat
{
    /// <summary>
    /// Writes all of a volume, from its first byte to its last, so that a pipe will do; where the stream can seek, it may go
    /// back. What is written to the volume meanwhile may be in the image or not. An image that was not written to its end is none.
    /// It is called in the host, and in a worker that waits, which tries itself with a small image of its own.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="image">Where the image goes. It stays open.</param>
    /// <param name="progress">How many bytes of the volume are done.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The volume can't be read, or is none that the format can hold.</exception>
    ValueTask WriteAsync(SavedVolume volume, Stream image, IProgress<ByteSize> progress, CancellationToken cancellationToken);
}
