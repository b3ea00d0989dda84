using System.Runtime.CompilerServices;

namespace EveStorage.RawImport;

/// <summary>A raw image: its extents are the source's own data and holes.</summary>
internal sealed class RawReader(IImageSource source, long length) : ISeekableImageReader
{
    // A disk has whole sectors; what the file lacks of the last one reads as zero.
    private const long SectorSize = 512;

    // The run of data that was found last. To find its end a file system goes over all of it, so that it is not asked for each step through one.
    private volatile Found? _last;

    /// <inheritdoc/>
    public ByteSize VirtualSize { get; } = new((length + SectorSize - 1) / SectorSize * SectorSize);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Details { get; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public async IAsyncEnumerable<ImageExtent> ReadExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long at = 0; at < VirtualSize.Bytes;)
        {
            ImageExtent extent = await LookupAsync(at, cancellationToken);
            yield return extent;
            at += extent.Length;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ImageExtent> LookupAsync(long guestOffset, CancellationToken cancellationToken)
    {
        SourceRun? found = source is ISparseImageSource sparse
            ? await FindAsync(sparse, guestOffset, cancellationToken)
            : new SourceRun(guestOffset, length - guestOffset);
        long start = Math.Min(found?.Offset ?? VirtualSize.Bytes, VirtualSize.Bytes);
        if (start > guestOffset || found is not SourceRun run || run.Length <= 0)
        {
            return new(guestOffset, Math.Max(start, guestOffset + 1) - guestOffset, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain);
        }

        long inSource = Math.Min(run.Length, length - guestOffset);
        bool isLast = guestOffset + inSource == length;
        return new(guestOffset, isLast ? VirtualSize.Bytes - guestOffset : inSource, ExtentKind.Data, guestOffset, inSource, ExtentEncoding.Plain);
    }

    private async ValueTask<SourceRun?> FindAsync(ISparseImageSource sparse, long offset, CancellationToken cancellationToken)
    {
        if (_last is { } last && offset >= last.Run.Offset && offset < last.Run.Offset + last.Run.Length)
        {
            return new SourceRun(offset, last.Run.Offset + last.Run.Length - offset);
        }

        SourceRun? found = await sparse.FindDataAsync(offset, cancellationToken);
        _last = found is SourceRun run ? new(run) : null;
        return found;
    }

    /// <inheritdoc/>
    public void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        target[source.Length..].Clear();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => source.DisposeAsync();

    private sealed record Found(SourceRun Run);
}
