using System.CommandLine;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Cli.Verbs;

/// <summary>Images are opened here, with the caller's rights; whoever does the work is handed the open file.</summary>
internal static class ImageFile
{
    /// <summary>What stands for the standard input, or output.</summary>
    internal const string Standard = "-";

    internal static Argument<string> Argument(string description, string help = "FILE") => new("image") { Description = description, HelpName = help };

    /// <summary>What an image that is read is called in messages.</summary>
    internal static string NameOf(string path) => path == Standard ? "standard input" : Path.GetFileName(path);

    /// <summary>What was named, as a URL; null for a file.</summary>
    /// <exception cref="StorageException">It is a URL of another kind.</exception>
    internal static Uri? UrlOf(string image) => !Path.Exists(image) && UrlRule.LooksLikeOne(image) ? UrlRule.Parse(image) : null;

    internal static Option<string?> Format { get; } = new("--format")
    {
        Description = "Its format, as `plugin list` has it. A qcow2 and a zfs-stream are recognized; raw has to be named, since any file could be one.",
        HelpName = "FORMAT",
    };

    /// <summary>Opens an image.</summary>
    /// <exception cref="StorageException">It is not there, which makes it a wrong argument, or can't be opened.</exception>
    internal static SafeFileHandle OpenToRead(string path)
    {
        if (path == Standard)
        {
            return Console.IsInputRedirected
                ? ExistingFile.StandardInput()
                : throw new StorageException(StorageErrorKind.InvalidConfiguration, NameOf(path), "is a terminal: pipe an image into it");
        }

        if (!Path.Exists(path) || Directory.Exists(path))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, Directory.Exists(path) ? "is a directory and no image" : "is no image: there is no such file");
        }

        return ExistingFile.OpenToRead(path)
            ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, path, "is no image: it is neither a file nor a block device");
    }
}

internal sealed class ImageInspect : CliVerb
{
    private readonly Argument<string> _image = ImageFile.Argument("The image: a file, an http or https URL, or - for the standard input, of which only the beginning is looked at.", "FILE|URL");

    public ImageInspect()
        : base("image inspect", "Show what an image holds: its format, the size of its disk, how much of that is data.\n\nExample: evestorage image inspect debian.qcow2\n\nExample: evestorage image inspect https://example.org/debian.qcow2")
    {
        Add(_image);
        Add(ImageFile.Format);
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        ImageReport report = await LookAsync(invocation, cancellationToken);
        invocation.Answer(report, output =>
        {
            output.WriteLine($"format        {report.Format}");
            output.WriteLine($"virtual size  {report.VirtualSize.ForPerson()}");
            WriteSize(output, "data", report.DataSize);
            WriteSize(output, "file", report.SourceSize);
            foreach ((string key, string value) in report.Details.Concat(report.Wrapping is string wrapping ? [new("wrapped in", wrapping)] : []))
            {
                output.WriteLine($"{key,-13} {value}");
            }

            if (report.Refusal is ErrorReport refusal)
            {
                output.WriteLine($"import        not here: it {refusal.Message}");
            }

            if (report.JailLacks is string lacks)
            {
                output.WriteLine($"{"jail",-13} its reader is not jailed here: {lacks}");
            }

            foreach (SnapshotInImage snapshot in report.Snapshots)
            {
                output.WriteLine($"{"snapshot",-13} {snapshot.Name} ({snapshot.Id}), {snapshot.VirtualSize.ForPerson()}, {snapshot.Taken:yyyy-MM-dd HH:mm:ss}");
            }
        });
        return ExitCodes.Success;
    }

    private async Task<ImageReport> LookAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        string path = invocation.Parsed.GetValue(_image)!;
        string? format = invocation.Parsed.GetValue(ImageFile.Format);
        invocation.LooksAtImage = true;
        if (ImageFile.UrlOf(path) is Uri url)
        {
            IStorageApi fetching = await invocation.OpenAsync(cancellationToken);
            return await fetching.InspectUrlAsync(new() { Url = url.AbsoluteUri, Format = format }, cancellationToken);
        }

        using SafeFileHandle image = ImageFile.OpenToRead(path);
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        return await api.InspectImageAsync(image, ImageFile.NameOf(path), format, cancellationToken);
    }

    private static void WriteSize(TextWriter output, string what, ByteSize? size)
    {
        if (size is ByteSize known)
        {
            output.WriteLine($"{what,-13} {known.ForPerson()}");
        }
    }
}

internal sealed class ImageImport : ChangeVerb
{
    private readonly Argument<string> _image = ImageFile.Argument("The image: a file, an http or https URL, or - for the standard input. It may be wrapped in gzip, zstd or xz.", "FILE|URL");
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<ByteSize?> _size = Arguments.SizeOption("--size", "The volume's size, when larger than the image's disk. A raw image that comes as a stream needs it, and has to be just as long.");
    private readonly Option<string?> _snapshot = new("--snapshot") { Description = "The snapshot in the image to import, by its id or name.", HelpName = "SNAPSHOT" };
    private readonly Option<string?> _sha256 = new("--sha256") { Description = "The SHA-256 that the image's file must have; without it there is no volume.", HelpName = "DIGEST" };
    private readonly Option<bool> _thick = new("--thick") { Description = "Take the volume's space now and not when it is written." };
    private readonly Option<bool> _encrypted = new("--encrypted") { Description = "Let nothing readable reach the device." };
    private readonly Option<bool> _lazy = new("--lazy") { Description = "Have the volume at once and copy the image behind it, while it is used by `nvmet-user`; the image has to stay where it is. Needs the daemon." };
    private readonly Option<bool> _verify = new("--verify") { Description = "Read image and volume once more and compare; shows the SHA-256 of the disk." };

    public ImageImport()
        : base(
            "image import",
            "Make a volume of an image. The volume appears once it is whole; until then, and after a failure, there is none. With --lazy it appears at once, and `volume show` tells how far the image is copied.\n\nExample: evestorage image import debian.qcow2 data/vm1 --verify\n\nExample: curl -sSf https://example.org/debian.qcow2 | evestorage image import - data/vm1\n\nExample: evestorage image import https://example.org/debian.qcow2 data/vm1")
    {
        Add(_image);
        _volume = Add(Arguments.Volume("The volume to make: NAME, or POOL/NAME."));
        Add(ImageFile.Format);
        Add(_size);
        Add(_snapshot);
        Add(_sha256);
        Add(_thick);
        Add(_encrypted);
        Add(_verify);
        Add(_lazy);
    }

    protected override OpenedImage? OpenImage(ParseResult parsed)
        => ImageFile.UrlOf(parsed.GetValue(_image)!) is null ? new(ImageFile.OpenToRead(parsed.GetValue(_image)!)) : null;

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        Uri? url = ImageFile.UrlOf(parsed.GetValue(_image)!);
        return new ImportImage
        {
            Pool = await Addresses.PoolForNewAsync(address, api, cancellationToken),
            Volume = address.Volume,
            ImageName = url is null ? ImageFile.NameOf(parsed.GetValue(_image)!) : UrlRule.NameOf(url),
            Url = url?.AbsoluteUri,
            Format = parsed.GetValue(ImageFile.Format),
            Size = parsed.GetValue(_size),
            Snapshot = parsed.GetValue(_snapshot),
            Sha256 = parsed.GetValue(_sha256),
            Traits = (parsed.GetValue(_thick) ? VolumeTraits.None : VolumeTraits.Thin)
                | (parsed.GetValue(_encrypted) ? VolumeTraits.Encrypted : VolumeTraits.None),
            Verify = parsed.GetValue(_verify),
            Lazy = parsed.GetValue(_lazy),
        };
    }
}

internal sealed class ImageSave : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Argument<string> _image = ImageFile.Argument("The file to make, which appears once it is whole; one that is there is refused. - for the standard output.");
    private readonly Option<string> _format = new("--format") { Description = "The format to write: raw, or another that a plugin writes, as qcow2 and zfs-stream.", HelpName = "FORMAT", DefaultValueFactory = static _ => "raw" };

    private readonly Option<string?> _compression = new("--compression") { Description = "How to compress it: zstd or zlib, of a qcow2. Without it is not.", HelpName = "KIND" };

    public ImageSave()
        : base(
            "image save",
            "Write a volume to an image; a raw one has holes where it is zero. To save one moment of a volume in use, save a clone of a snapshot.\n\nExample: evestorage image save vm1 vm1.raw\n\nExample: evestorage image save data/vm1 - --format qcow2 --compression zstd | ssh host 'cat > vm1.qcow2'")
    {
        _volume = Add(Arguments.Volume());
        Add(_image);
        Add(_format);
        Add(_compression);
    }

    protected override OpenedImage? OpenImage(ParseResult parsed)
        => parsed.GetValue(_image) is string path && path == ImageFile.Standard ? OutputImage.Open() : MadeImage.Open(parsed.GetValue(_image)!);

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new SaveImage
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            ImageName = parsed.GetValue(_image) is string path && path != ImageFile.Standard ? Path.GetFileName(path) : OutputImage.Name,
            Format = parsed.GetValue(_format)!,
            Compression = parsed.GetValue(_compression),
        };
    }
}
