using EveStorage.Cli.Api;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Urls;
using EveStorage.Host.Worker;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>What is asked of an image beside its name.</summary>
internal sealed record ImageQuestion
{
    /// <summary>Its format; null to find out.</summary>
    public string? Format { get; init; }

    /// <summary>The snapshot in it that is meant; null for its disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>How long the disk of a stream is whose format does not say; null when nobody said.</summary>
    public ByteSize? StreamLength { get; init; }
}

/// <summary>Looks into images and makes volumes of them, in a worker process.</summary>
internal sealed class ImageConversion(PluginCatalog catalog, Profile profile, SpareWorker spare, ILoggerFactory loggers, TimeProvider time, IEventSink events)
{
    private readonly ImageDirectory _directory = new(profile.Images.Directory);

    /// <summary>How long what an import copied before it was cut short is kept.</summary>
    internal TimeSpan Keep => profile.Images.Keep;

    /// <summary>Refuses a URL that is not for this caller.</summary>
    /// <exception cref="StorageException">It is not.</exception>
    internal void RequireAllowed(Uri url, Caller caller) => UrlCallers.Require(url, caller, profile.Images);

    /// <summary>A file or a pipe that was handed over.</summary>
    /// <param name="image">It.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="question">What of it is meant.</param>
    /// <param name="digest">Whether the digest of all of it is wanted.</param>
    internal ImageInput Of(SafeFileHandle image, string name, ImageQuestion question, bool digest)
        => new(image, name) { GoesStraight = !digest && question.Snapshot is null && profile.Images.Directory.Length == 0 };

    /// <summary>Opens what lies at a URL.</summary>
    /// <exception cref="StorageException">It can't be fetched.</exception>
    internal Task<ImageInput> OpenUrlAsync(Uri url, string name, bool digest, CancellationToken cancellationToken)
        => UrlOpening.OpenAsync(new() { Url = url, Name = name, Limits = new(profile.Images.Stall, profile.Images.Patience), Digest = digest, Time = time }, cancellationToken);

    /// <summary>What an image holds, all of it gone over.</summary>
    /// <exception cref="StorageException">Its format is not known, or it is not read.</exception>
    internal Task<ImageReport> InspectAsync(ImageInput image, ImageQuestion question, CancellationToken cancellationToken)
        => LookAsync(image, question, goOver: true, keeps: false, cancellationToken);

    /// <summary>
    /// What an import has to know before there is a volume: what opening an image tells. The import goes over it anyway. The
    /// files that it names are then open in it, and so is the worker that looked.
    /// </summary>
    /// <exception cref="StorageException">Its format is not known, or no volume can be made of it.</exception>
    internal async Task<ImageReport> GlanceAsync(ImageInput image, ImageQuestion question, CancellationToken cancellationToken)
    {
        ImageReport report = await PeekAsync(image, question, cancellationToken);
        return report.Refusal is ErrorReport refusal ? throw refusal.ToException() : report;
    }

    /// <summary>The same of one of which perhaps no volume can be made here: the report says why.</summary>
    /// <exception cref="StorageException">Its format is not known.</exception>
    internal Task<ImageReport> PeekAsync(ImageInput image, ImageQuestion question, CancellationToken cancellationToken)
        => image.IsPipe && question.Snapshot is not null
            ? LookAsync(image, question with { Snapshot = null }, goOver: false, keeps: false, cancellationToken)   // told of at the end: the import finds it
            : LookAsync(image, question, goOver: false, keeps: true, cancellationToken);

    /// <summary>The same for an import that copies later: it may have all tables checked now, and no worker is kept.</summary>
    /// <exception cref="StorageException">Its format is not known, or no volume can be made of it.</exception>
    internal async Task<ImageReport> CheckAsync(ImageInput image, ImageQuestion question, bool goOver, CancellationToken cancellationToken)
    {
        ImageReport report = await LookAsync(image, question, goOver, keeps: false, cancellationToken);
        return report.Refusal is ErrorReport refusal ? throw refusal.ToException() : report;
    }

    private async Task<ImageReport> LookAsync(ImageInput image, ImageQuestion question, bool goOver, bool keeps, CancellationToken cancellationToken)
    {
        while (true)
        {
            (WorkerMessage answer, _) = await WorkerProcess.RunAsync(RequestFor(image, question) with { GoOver = goOver, Keeps = keeps }, image, [], static _ => { }, static _ => { }, cancellationToken, spare);
            if (answer.Needs is OpenLink needed)
            {
                OpenLink(needed, image);
            }
            else
            {
                return answer.Report is ImageReport report ? report with { JailLacks = answer.Lacks } : throw Strange(image.Name);
            }
        }
    }

    /// <summary>Opens a file that an image names, for the next worker.</summary>
    /// <exception cref="StorageException">It may not be opened, or is not there.</exception>
    internal void OpenLink(OpenLink needed, ImageInput image)
        => image.Links.Add(needed.Of >= 0 && needed.Of <= image.Links.Count ? _directory.Open(needed.Link, needed.Of, image.Links, image.Name) : throw Strange(image.Name));

    /// <summary>What a worker is asked that reads an image on demand.</summary>
    /// <exception cref="StorageException">Its format is not known here.</exception>
    internal WorkerRequest RequestToServe(ImageInput image, ImageNote note)
        => RequestFor(image, new() { Format = note.ImageFormat, Snapshot = note.Snapshot }) with { Serves = note.Size };

    /// <summary>Fills a volume, which reads as zero, from an image. Once this returns, its data survives a crash.</summary>
    /// <returns>What it came to and, of an image that came through a pipe, the SHA-256 of all that came.</returns>
    /// <exception cref="StorageException">The image is not read, or does not fit.</exception>
    internal async Task<(ImportResult Result, string? SourceDigest)> ImportAsync(
        ImageInput image, ImageQuestion question, SafeFileHandle volume, SafeFileHandle? spool, ImportOrder order, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken)
    {
        SafeFileHandle[] targets = spool is null ? [volume] : [volume, spool];
        await using WorkerProcess? looked = image.TakeWorker();
        if (looked is null && image is { IsPipe: true, GoesStraight: true })
        {
            throw new StorageException(StorageErrorKind.NotSupported, image.Name, "has to be looked at twice, and comes through a pipe: write it to a file first");
        }

        (WorkerMessage answer, string? digest) = looked is null
            ? await WorkerProcess.RunAsync(RequestFor(image, question) with { Import = order }, image, targets, progress, safe, cancellationToken)
            : await looked.ImportAsync(order, targets, progress, safe, cancellationToken);
        return (answer.Result ?? throw Strange(image.Name), digest);
    }

    /// <summary>How an image is written.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it can't be written so here.</exception>
    internal ImageForm FormOf(SaveImage request)
    {
        (string Kind, IImageWriter Writer)[] writers = Writers();
        IImageWriter? writer = request.Format == WriteImage.Raw ? null
            : Array.Find(writers, known => known.Kind == request.Format).Writer
            ?? throw new StorageException(
                StorageErrorKind.NotSupported, request.ImageName, $"'{request.Format}' can't be written here; there are {string.Join(", ", writers.Select(known => known.Kind).Prepend(WriteImage.Raw))}");
        IReadOnlyList<string> compressions = writer?.Capabilities.Compressions ?? [];
        if (request.Compression is not string wanted || compressions.Contains(wanted))
        {
            return new(writer, request.Compression);
        }

        string[] others = [.. writers.Where(known => known.Writer.Capabilities.Compressions.Contains(wanted)).Select(known => $"--format {known.Kind}")];
        string instead = compressions.Count > 0 ? $"there are {string.Join(", ", compressions)}"
            : others.Length > 0 ? $"ask for {string.Join(" or ", others)}, or leave --compression out" : "leave --compression out";
        throw new StorageException(StorageErrorKind.NotSupported, request.ImageName, $"can't be compressed by '{wanted}' as {request.Format}: {instead}");
    }

    private (string Kind, IImageWriter Writer)[] Writers()
        => [.. catalog.Entries.SelectMany(entry => entry.Parts?.ImageFormats ?? [])
            .Select(known => (known.Kind, Format: known.Create(new() { Loggers = loggers, Time = time, Events = events, Name = known.Kind }) as IImageWriter))
            .Where(known => known.Format is not null)
            .Select(known => (known.Kind, known.Format!))];

    // Of several plugins only those that could be meant: a worker loads what it is told. What an image names may be of any format.
    private WorkerRequest RequestFor(ImageInput image, ImageQuestion question)
    {
        bool any = question.Format is null || image.Links.Count > 0;
        (string Kind, string Directory)[] known =
            [.. catalog.Entries.Where(entry => entry.Parts is not null).SelectMany(entry => entry.Parts!.ImageFormats.Select(format => (format.Kind, entry.Directory!)))];
        return any || Array.Exists(known, format => format.Kind == question.Format)
            ? new()
            {
                Plugins = [.. known.Where(format => any || format.Kind == question.Format).Select(format => format.Directory).Distinct()],
                Format = question.Format,
                ImageName = image.Name,
                IsPipe = image.IsPipe,
                RangedLength = image.Ranges?.Length,
                StreamLength = question.StreamLength,
                Snapshot = question.Snapshot,
                Links = [.. image.Links.Select(static file => new OpenLink(file.Of, file.Link))],
            }
            : throw new StorageException(
                StorageErrorKind.NotSupported, image.Name, $"'{question.Format}' is no format here; there are {string.Join(", ", known.Select(format => format.Kind))}");
    }

    private static StorageException Strange(string name) => new(StorageErrorKind.Corrupt, name, "its worker answered something else than was asked");
}
