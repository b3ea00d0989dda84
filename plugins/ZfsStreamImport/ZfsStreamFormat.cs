namespace EveStorage.ZfsStreamImport;

/// <summary>What <c>zfs send</c> writes of a volume: one stream, a package of them, or several that go on from one another.</summary>
internal sealed class ZfsStreamFormat : IImageWriter
{
    /// <inheritdoc/>
    public ImageFormatCapabilities Capabilities { get; } = new() { SignatureLength = RecordView.Length };

    /// <inheritdoc/>
    public bool Recognizes(ReadOnlySpan<byte> head) => StreamHeader.SwapOf(head) is not null;

    /// <inheritdoc/>
    public async ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            if (!source.CanSeek || source.Length is null)
            {
                throw new StorageException(StorageErrorKind.NotSupported, source.Name, "is a pipe, or is compressed, and a volume's size comes after its data: give a file that is neither; a pool of ZFS takes a pipe, too, with --format zfs-stream");
            }

            return new ZfsStreamReader(source, await StreamSurvey.RunAsync(source, cancellationToken));
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(SavedVolume volume, Stream image, IProgress<ByteSize> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(volume);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(progress);
        return StreamWriter.WriteAsync(volume, image, progress, cancellationToken);
    }
}
