namespace EveStorage.RawImport;

/// <summary>The disk itself, byte by byte.</summary>
internal sealed class RawFormat : IImageFormat
{
    /// <inheritdoc/>
    public ImageFormatCapabilities Capabilities { get; } = new();

    /// <summary>Never: any bytes are a raw image, so that only a person can say that these are one.</summary>
    public bool Recognizes(ReadOnlySpan<byte> head) => false;

    /// <inheritdoc/>
    public async ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length is long length)
        {
            return new RawReader(source, length);
        }

        await source.DisposeAsync();
        throw new StorageException(StorageErrorKind.NotSupported, source.Name, "has no length before its end: say how long its disk is, as with --size, or give a file");
    }
}
