using System.Runtime.CompilerServices;

namespace EveStorage.ZfsStreamImport;

/// <summary>
/// The extents of the disk that a chain of streams makes, each part once and in the disk's order: where several streams say
/// something, the newest counts. All are gone over side by side, so that nothing is held but where each is.
/// </summary>
internal sealed class ChainExtents(IImageSource source, StreamSurvey survey, long size)
{
    // Together; each stream has a part of it.
    private const int BuffersLength = 4 << 20;
    private const int ShortestBuffer = 8 << 10;
    private const int LongestBuffer = 256 << 10;

    private readonly SubstreamCursor[] _cursors =
        [.. survey.Streams.Select(stream => new SubstreamCursor(source, stream, Math.Clamp(BuffersLength / survey.Streams.Count & ~7, ShortestBuffer, LongestBuffer)))];

    /// <summary>Reads them. What is not sound is refused at the latest at the end.</summary>
    internal async IAsyncEnumerable<ImageExtent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Substream package in survey.Packages)
        {
            await new SubstreamCursor(source, package, ShortestBuffer).FinishAsync(cancellationToken);
        }

        foreach (SubstreamCursor cursor in _cursors)
        {
            await cursor.AdvanceAsync(cancellationToken);
        }

        for (long at = 0; at < size;)
        {
            ImageExtent extent = await NextAsync(at, cancellationToken);
            yield return extent;
            at += extent.Length;
        }

        foreach (SubstreamCursor cursor in _cursors)
        {
            await cursor.FinishAsync(cancellationToken);
        }
    }

    private async ValueTask<ImageExtent> NextAsync(long at, CancellationToken cancellationToken)
    {
        long end = size;
        for (int i = _cursors.Length - 1; i >= 0; i--)
        {
            SubstreamCursor cursor = _cursors[i];
            while (cursor.Current is RecordRun passed && passed.End <= at)
            {
                await cursor.AdvanceAsync(cancellationToken);
            }

            if (cursor.Current is RecordRun run && run.Start <= at)
            {
                return run.ExtentOf(at, end, source.Name);
            }

            end = Math.Min(end, cursor.Current?.Start ?? size);
            if (cursor.ZeroFrom <= at)
            {
                return new(at, end - at, ExtentKind.Zero, 0, 0, ExtentEncoding.Plain);
            }

            end = Math.Min(end, cursor.ZeroFrom);
        }

        // No stream says anything: it was never written.
        return new(at, end - at, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain);
    }
}
