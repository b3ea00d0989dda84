using EveStorage.Host.Plugins;
using EveStorage.Host.Worker;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>Looks into images and makes volumes of them, in a worker process.</summary>
internal sealed class ImageConversion(PluginCatalog catalog)
{
    /// <summary>What an image holds.</summary>
    /// <exception cref="StorageException">Its format is not known, or it is not read.</exception>
    internal async Task<ImageReport> InspectAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken)
    {
        WorkerMessage answer = await WorkerProcess.RunAsync(RequestFor(name, format), image, null, static _ => { }, cancellationToken);
        return answer.Report ?? throw Strange(name);
    }

    /// <summary>Fills a volume, which reads as zero, from an image. Once this returns, its data survives a crash.</summary>
    /// <exception cref="StorageException">The image is not read, or does not fit.</exception>
    internal async Task<ImportResult> ImportAsync(
        SafeFileHandle image, string name, string format, SafeFileHandle volume, ImportOrder order, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        WorkerMessage answer = await WorkerProcess.RunAsync(RequestFor(name, format) with { Import = order }, image, volume, progress, cancellationToken);
        return answer.Result ?? throw Strange(name);
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
