using EveStorage.Cli.Api;
using EveStorage.Host.Images;

namespace EveStorage.Host.Worker;

/// <summary>Looks through an image, and those behind it, and says what it holds. All of their tables are checked by it.</summary>
internal static class ImageSurvey
{
    // What a person would still read, and an answer of one line holds.
    private const int MostSnapshots = 64;
    private const int LongestName = 128;

    /// <summary>Looks. Of a stream only the beginning is there.</summary>
    /// <param name="image">The image.</param>
    /// <param name="goOver">Whether to go over all of it. A chain always is: what lies behind its first image is only looked up later.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal static async Task<ImageReport> RunAsync(OpenImage image, bool goOver, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        IImageReader top = image.Disk.Layers[0].Reader;
        long? data = null;
        IReadOnlyList<ImageSnapshot> snapshots = [];
        ErrorReport? refusal = null;
        if (image.Stream is null)
        {
            snapshots = goOver && top is ISnapshotImageReader reader ? await reader.ListSnapshotsAsync(cancellationToken) : [];
            try
            {
                data = await LookThroughAsync(image.Disk, goOver || image.Disk.Layers.Count > 1, progress, cancellationToken);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                refusal = ErrorReport.Of(e);   // it is known what it is, and that is what was asked for
            }
        }

        return new()
        {
            Format = image.Format,
            VirtualSize = image.Disk.VirtualSize,
            DataSize = data is long known && goOver ? new(known) : null,
            SourceSize = image.Disk.Layers[0].Data.Length is long length && image.Stream is null ? new(length) : null,
            Wrapping = image.Wrapping,
            IsStream = image.Stream is not null,
            NeedsLength = image.Stream?.Length is not null,
            InAnyOrder = image.Stream is null && image.Disk.Layers.All(static layer => layer.Reader is ISeekableImageReader),
            Snapshots = [.. snapshots.Take(MostSnapshots).Select(static snapshot => new SnapshotInImage(Short(snapshot.Id), Short(snapshot.Name), snapshot.VirtualSize, snapshot.Taken))],
            Refusal = refusal,
            Details = top.Details.ToDictionary(static detail => detail.Key, static detail => Short(detail.Value)),
        };
    }

    private static async Task<long> LookThroughAsync(LayeredDisk disk, bool goOver, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        long data = 0;
        long seen = 0;
        long total = disk.Layers.Sum(static layer => layer.Reader.VirtualSize.Bytes);
        foreach (DiskLayer layer in disk.Layers)
        {
            await foreach (ImageExtent extent in layer.Reader.ReadExtentsAsync(cancellationToken))
            {
                if (!goOver)
                {
                    return data;
                }

                data += extent.Kind == ExtentKind.Data ? extent.Length : 0;
                seen += extent.Length;
                progress(new(WorkerPhase.Copy, new(seen), new(total)));
            }
        }

        return data;
    }

    private static string Short(string text) => text.Length <= LongestName ? text : $"{text[..LongestName]}…";
}
