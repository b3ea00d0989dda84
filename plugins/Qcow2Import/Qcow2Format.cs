using System.Buffers.Binary;

namespace EveStorage.Qcow2Import;

/// <summary>QEMU's copy-on-write format: versions 2 and 3 are read, without encryption, and version 3 is written.</summary>
internal sealed class Qcow2Format : ILinkedImageFormat, IImageWriter
{
    private const string Zlib = "zlib";
    private const string Zstd = "zstd";

    private readonly ClusterCodecs _codecs = ClusterCodecs.Find();

    /// <inheritdoc/>
    public ImageFormatCapabilities Capabilities { get; } = new() { SignatureLength = sizeof(uint), Compressions = [Zlib, Zstd] };

    /// <inheritdoc/>
    public bool Recognizes(ReadOnlySpan<byte> head)
        => head.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32BigEndian(head) == Qcow2Header.Magic;

    /// <inheritdoc/>
    public ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
        => OpenAsync(source, linked: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IImageReader> OpenLinkedAsync(IImageSource source, CancellationToken cancellationToken)
        => OpenAsync(source, linked: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteAsync(SavedVolume volume, Stream image, IProgress<ByteSize> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(volume);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(progress);
        Qcow2Compression? compression = volume.Compression switch
        {
            null => null,
            Zlib => Qcow2Compression.Deflate,
            Zstd => Qcow2Compression.Zstd,
            string other => throw new StorageException(StorageErrorKind.NotSupported, $"{volume.Name}", $"can't be compressed by '{other}' here; there are {string.Join(", ", Capabilities.Compressions)}"),
        };
        return new Qcow2Save(volume, image, compression, _codecs, progress).RunAsync(cancellationToken);
    }

    private async ValueTask<IImageReader> OpenAsync(IImageSource source, bool linked, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            (Qcow2Header header, Qcow2Extensions extensions) = await ReadHeaderAsync(source, cancellationToken);
            ImageLink[] links = [.. LinksOf(header, extensions)];
            if (!linked && links.Length > 0)
            {
                throw new StorageException(StorageErrorKind.NotSupported, source.Name, links[0].Kind == ImageLinkKind.Backing
                    ? "needs a backing file: flatten it with `qemu-img convert` where that file is"
                    : "keeps its data in another file: make one of both with `qemu-img convert`");
            }

            Qcow2Facts facts = new(header, extensions.Bitmaps, links, _codecs);
            if (!source.CanSeek || source.Length is not long length)
            {
                return new Qcow2StreamReader(source, facts);
            }

            // As QEMU does: an image whose snapshots can't be is damaged, whichever disk of it is asked for.
            _ = await Qcow2Snapshots.ReadAsync(source, header, cancellationToken);
            return new Qcow2Reader(source, facts, await Qcow2Tables.OpenAsync(source, length, header, cancellationToken));
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    private static async Task<(Qcow2Header Header, Qcow2Extensions Extensions)> ReadHeaderAsync(IImageSource source, CancellationToken cancellationToken)
    {
        byte[] head = new byte[Qcow2HeaderView.MaxLength];
        int read = await source.ReadAsync(0, head, cancellationToken);
        Qcow2Header header = Qcow2Header.Parse(head.AsSpan(0, read), source.Name);

        // The rest of the first cluster, each byte once: a stream does not go back.
        byte[] cluster = new byte[header.ClusterSize];
        head.AsSpan(0, read).CopyTo(cluster);
        read += read == head.Length ? await source.ReadAsync(read, cluster.AsMemory(read), cancellationToken) : 0;
        Qcow2Extensions extensions = Qcow2Extensions.Parse(cluster.AsSpan(0, read), header, source.Name);
        header.RequireReadable(extensions, source.Name);
        return (header, extensions);
    }

    private static IEnumerable<ImageLink> LinksOf(Qcow2Header header, Qcow2Extensions extensions)
    {
        if (header.HasDataFile)
        {
            yield return new(ImageLinkKind.Data, extensions.DataFileName!, null);
        }

        if (extensions.BackingName is string backing)
        {
            yield return new(ImageLinkKind.Backing, backing, extensions.BackingFormat);
        }
    }
}
