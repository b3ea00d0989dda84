using EveStorage.Host.Images;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>An image that was opened, with those that it needs.</summary>
/// <param name="Format">Its format.</param>
/// <param name="Disk">The disk.</param>
/// <param name="Stream">The stream that it comes as; null for a file that can be read in any order.</param>
/// <param name="Wrapping">What it is wrapped in; null for nothing.</param>
internal sealed record OpenImage(string Format, LayeredDisk Disk, StreamSource? Stream, string? Wrapping);

/// <summary>A file that has to be opened first. Only the host opens files.</summary>
internal sealed class LinkNeededException(OpenLink link) : Exception($"needs {link.Link.Name}")
{
    internal OpenLink Link => link;
}

/// <summary>Opens what the descriptors of a worker are, by what the request says of them.</summary>
internal sealed class ImageOpening : IDisposable
{
    // Of an ISO 9660 image: what looks like one and like something else could be read as either.
    private const string RawKind = "raw";
    private const int BootEnd = 512;
    private const int IsoAt = 32769;
    private const int HeadLength = IsoAt + 5;

    private readonly Dictionary<string, IImageFormat> _formats = [];
    private readonly WorkerRequest _request;
    private readonly IReadOnlyList<SafeFileHandle> _images;
    private readonly Action<ByteRange> _ask;
    private readonly List<DescriptorSource> _files = [];
    private readonly StreamInput? _pipe;

    /// <summary>Takes the formats that the request names.</summary>
    /// <param name="request">What is asked of the worker.</param>
    /// <param name="formats">Those of each plugin.</param>
    /// <param name="images">The image, and the files of the links.</param>
    /// <param name="ask">Asks the host for bytes of an image that it reads.</param>
    internal ImageOpening(WorkerRequest request, WorkerFormats formats, IReadOnlyList<SafeFileHandle> images, Action<ByteRange> ask)
    {
        _request = request;
        _images = images;
        _ask = ask;
        foreach ((string kind, IImageFormat format) in request.Plugins.SelectMany(formats.Of))
        {
            _formats.TryAdd(kind, format);
        }

        if (request.IsPipe)
        {
            _pipe = new(images[0], request.ImageName);
            _pipe.Widen();
        }

        KnownLength = request.RangedLength ?? (request.IsPipe ? default : ExistingFile.LengthOf(images[0], request.ImageName));
    }

    /// <summary>The formats.</summary>
    internal IEnumerable<IImageFormat> Formats => _formats.Values;

    /// <summary>The length of the image's file; none for a pipe.</summary>
    internal ByteSize KnownLength { get; }

    /// <summary>How many bytes of the image, and of those that it needs, were read in any order.</summary>
    internal ByteSize Read => new(_files.Sum(static file => file.BytesRead));

    /// <summary>Opens it.</summary>
    /// <param name="prepare">Told of a stream before anything of it is parsed.</param>
    /// <param name="progress">Told what is read meanwhile, so that going over a large file is not taken for silence.</param>
    /// <param name="cancellationToken">Stops opening.</param>
    /// <exception cref="LinkNeededException">A file has to be opened first.</exception>
    /// <exception cref="StorageException">It is not read.</exception>
    internal async Task<OpenImage> OpenAsync(Action<StreamSource> prepare, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        SafeFileHandle handle = _images[0];
        byte[] head = new byte[HeadLength];
        StreamSource? stream = _pipe is StreamInput pipe ? new(new SourceStream((_, target) => pipe.Read(target)), _request.ImageName) : null;
        _ = cancellationToken.UnsafeRegister(static pipe => (pipe as StreamInput)?.Stop(), _pipe);
        RangeSource? ranges = _request.RangedLength is ByteSize ranged ? new(handle, ranged, _request.ImageName, _ask) : null;
        IImageSource source = stream ?? ranges ?? (IImageSource)FileOf(handle, _request.ImageName);
        int length = stream?.Peek(head) ?? await source.ReadAsync(0, head, cancellationToken);
        string? wrapping = IsMeant(head.AsSpan(0, length)) ? null : Unwrapping.Recognize(head.AsSpan(0, length));
        if (wrapping is not null)
        {
            Stream wrapped = (stream, ranges) switch
            {
                ({ } piped, _) => new SourceStream((offset, target) => piped.Read(offset, target, cancellationToken)),
                (_, { } asked) => new SourceStream(asked.Read),
                _ => new SourceStream(((DescriptorSource)source).Read),
            };
            source = stream = new(Unwrapping.Open(wrapped, wrapping, _request.ImageName), _request.ImageName);
            length = stream.Peek(head);
        }

        (string kind, IImageFormat format) = Choose(head.AsSpan(0, length));
        if (stream is not null)
        {
            Prepare(stream, format, prepare);
        }

        List<DiskLayer> layers = [];
        DescriptorSource? file = source as DescriptorSource;
        file?.ReadFrom = offset => progress(new(WorkerPhase.Open, new(offset), KnownLength));
        await AddLayersAsync(layers, format, source, cancellationToken);
        file?.ReadFrom = null;
        return new(kind, new(layers), stream, wrapping);
    }

    /// <inheritdoc/>
    public void Dispose() => _pipe?.Dispose();

    // Only one whose streams don't say how long they are is as long as the request says.
    private void Prepare(StreamSource stream, IImageFormat format, Action<StreamSource> prepare)
    {
        if (format.Capabilities.SignatureLength == 0 && _request.StreamLength is ByteSize length)
        {
            stream.Announce(length.Bytes);
        }

        prepare(stream);
    }

    // A format that recognizes the compressed bytes themselves is the one that is meant.
    private bool IsMeant(ReadOnlySpan<byte> head)
    {
        foreach (IImageFormat format in _formats.Values)
        {
            if (Recognizes(format, head))
            {
                return true;
            }
        }

        return false;
    }

    private DescriptorSource FileOf(SafeFileHandle handle, string name)
    {
        DescriptorSource file = new(handle, name);
        _files.Add(file);
        return file;
    }

    private (string Kind, IImageFormat Format) Choose(ReadOnlySpan<byte> head)
    {
        if (_request.Format is not null)
        {
            return (_request.Format, Named(_request.Format, _request.ImageName));
        }

        if (head.IsEmpty)
        {
            throw new StorageException(StorageErrorKind.Corrupt, _request.ImageName, "is empty: an image holds at least one byte");
        }

        List<string> recognized = [];
        foreach ((string kind, IImageFormat format) in _formats)
        {
            if (Recognizes(format, head))
            {
                recognized.Add(kind);
            }
        }

        if (recognized.Count > 0 && head.Length == HeadLength && head[IsoAt..].SequenceEqual("CD001"u8))
        {
            recognized.Add("iso");
        }

        return recognized switch
        {
            [string only] => (only, _formats[only]),
            [] when OtherFormats.Recognize(head) is string other => throw new StorageException(StorageErrorKind.NotSupported, _request.ImageName, other),
            [] => throw new StorageException(
                StorageErrorKind.NotSupported, _request.ImageName, $"is of no format that is recognized by its content: {Advice(head)}"),
            _ => throw new StorageException(
                StorageErrorKind.NotSupported, _request.ImageName, $"could be {string.Join(" or ", recognized)} by its content: name what is meant with --format"),
        };
    }

    // A boot sector ends so, that of a protective table of partitions, too; what has none may be a raw disk all the same.
    private string Advice(ReadOnlySpan<byte> head)
        => !_formats.ContainsKey(RawKind) ? $"there are {string.Join(", ", _formats.Keys)}; name it with --format"
            : head.Length >= BootEnd && head[(BootEnd - 2)..BootEnd].SequenceEqual((ReadOnlySpan<byte>)[0x55, 0xAA]) ? $"it looks like a raw disk; if it is one, say --format {RawKind}"
            : $"if it is the bytes of a disk and nothing else, say --format {RawKind}";

    private async Task AddLayersAsync(List<DiskLayer> layers, IImageFormat format, IImageSource source, CancellationToken cancellationToken)
    {
        for (int number = 0; ;)
        {
            IImageReader reader = format is ILinkedImageFormat linking
                ? await linking.OpenLinkedAsync(source, cancellationToken)
                : await format.OpenAsync(source, cancellationToken);
            IReadOnlyList<ImageLink> links = (reader as ILinkedImageReader)?.Links ?? [];
            if (number == 0 && _request.Snapshot is string name)
            {
                reader = reader is ISnapshotImageReader snapshots
                    ? await snapshots.OpenSnapshotAsync(name, cancellationToken)
                    : throw new StorageException(StorageErrorKind.NotSupported, _request.ImageName, "is of a format without snapshots");
            }

            ImageLink? data = links.FirstOrDefault(link => link.Kind == ImageLinkKind.Data);
            layers.Add(new(reader, data is null ? source : FileOf(number, data).Source));
            if (links.FirstOrDefault(link => link.Kind == ImageLinkKind.Backing) is not ImageLink backing)
            {
                return;
            }

            (number, source) = FileOf(number, backing);
            format = backing.Format is string kind
                ? Named(kind, backing.Name)
                : throw new StorageException(
                    StorageErrorKind.NotSupported, _request.ImageName, $"does not say what format its backing file {Short(backing.Name)} has: say it with `qemu-img rebase -u -F`");
        }
    }

    // Links are numbered from 1, in the order of their descriptors.
    private (int Number, IImageSource Source) FileOf(int of, ImageLink link)
    {
        for (int at = 0; at < _request.Links.Count; at++)
        {
            if (_request.Links[at].Of == of && _request.Links[at].Link.Kind == link.Kind)
            {
                return (at + 1, FileOf(_images[at + 1], Short(link.Name)));
            }
        }

        throw new LinkNeededException(new(of, link));
    }

    private IImageFormat Named(string kind, string subject)
        => _formats.TryGetValue(kind, out IImageFormat? format)
            ? format
            : throw new StorageException(StorageErrorKind.NotSupported, subject, $"'{Short(kind)}' is no format here; there are {string.Join(", ", _formats.Keys)}");

    private static bool Recognizes(IImageFormat format, ReadOnlySpan<byte> head)
        => format.Capabilities.SignatureLength > 0 && format.Recognizes(head[..Math.Clamp(format.Capabilities.SignatureLength, 0, head.Length)]);

    private static string Short(string name)
    {
        const int Kept = 200;
        return name.Length <= Kept ? name : $"{name[..Kept]}…";
    }
}
