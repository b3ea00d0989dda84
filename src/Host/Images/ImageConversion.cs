using EveStorage.Host.Api;
using EveStorage.Host.Plugins;
using EveStorage.Host.Worker;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>Looks into images and makes volumes of them, in a worker process.</summary>
internal sealed class ImageConversion(PluginCatalog catalog, ILoggerFactory loggers, TimeProvider time, IEventSink events)
{
    /// <summary>What an image holds, all of it gone over.</summary>
    /// <exception cref="StorageException">Its format is not known, or it is not read.</exception>
    internal Task<ImageReport> InspectAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken)
        => LookAsync(image, RequestFor(name, format) with { GoOver = true }, cancellationToken);

    /// <summary>What an import has to know before there is a volume: what opening an image tells. The import goes over it anyway.</summary>
    /// <exception cref="StorageException">Its format is not known, or no volume can be made of it.</exception>
    internal async Task<ImageReport> GlanceAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken)
    {
        ImageReport report = await LookAsync(image, RequestFor(name, format), cancellationToken);
        return report.Refusal is ErrorReport refusal ? throw refusal.ToException() : report;
    }

    /// <summary>Fills a volume, which reads as zero, from an image. Once this returns, its data survives a crash.</summary>
    /// <exception cref="StorageException">The image is not read, or does not fit.</exception>
    internal async Task<ImportResult> ImportAsync(
        SafeFileHandle image, string name, string format, SafeFileHandle volume, ImportOrder order, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        WorkerMessage answer = await WorkerProcess.RunAsync(RequestFor(name, format) with { Import = order }, image, volume, progress, cancellationToken);
        return answer.Result ?? throw Strange(name);
    }

    /// <summary>The writer of a format.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it has none here.</exception>
    internal IImageWriter WriterOf(string format, string name)
    {
        PluginServices services = new() { Loggers = loggers, Time = time, Events = events, Name = format };
        (string Kind, IImageWriter Writer)[] writers =
            [.. catalog.Entries.SelectMany(entry => entry.Parts?.ImageFormats ?? [])
                .Select(known => (known.Kind, Format: known.Create(services) as IImageWriter))
                .Where(known => known.Format is not null)
                .Select(known => (known.Kind, known.Format!))];
        return Array.Find(writers, known => known.Kind == format).Writer
            ?? throw new StorageException(
                StorageErrorKind.NotSupported, name, $"'{format}' can't be written here; there are {string.Join(", ", writers.Select(known => known.Kind).Prepend("raw"))}");
    }

    private static async Task<ImageReport> LookAsync(SafeFileHandle image, WorkerRequest request, CancellationToken cancellationToken)
    {
        WorkerMessage answer = await WorkerProcess.RunAsync(request, image, null, static _ => { }, cancellationToken);
        return answer.Report ?? throw Strange(request.ImageName);
    }

    // Of several plugins only those that could be meant: a worker loads what it is told.
    private WorkerRequest RequestFor(string name, string? format)
    {
        string[] plugins =
            [.. catalog.Entries.Where(entry => entry.Parts is PartRegistry parts && parts.ImageFormats.Exists(known => format is null || known.Kind == format))
                .Select(entry => entry.Directory!)];
        return plugins.Length > 0
            ? new() { Plugins = plugins, Format = format, ImageName = name }
            : throw new StorageException(
                StorageErrorKind.NotSupported, name,
                $"'{format}' is no format here; there are {string.Join(", ", catalog.Entries.SelectMany(entry => entry.Parts?.ImageFormats ?? []).Select(known => known.Kind))}");
    }

    private static StorageException Strange(string name) => new(StorageErrorKind.Corrupt, name, "its worker answered something else than was asked");
}
