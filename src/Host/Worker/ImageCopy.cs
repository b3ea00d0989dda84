using System.Buffers;
using System.Threading.Channels;

namespace EveStorage.Host.Worker;

/// <summary>
/// Copies an image's disk to a volume: extents in order into pieces of bounded size, pieces decoded and written by as many
/// threads as there are processors, each with its own buffers. Memory is bounded by the pieces under way.
/// </summary>
internal sealed class ImageCopy(IImageReader reader, IImageSource source, SparseTarget target, Action<WorkerProgress> progress)
{
    // Long enough that a system call costs nothing beside it, short enough that several fit in a cache.
    private const int PieceLength = 1 << 20;
    private const int PiecesWaiting = 16;

    private readonly Lock _lock = new();
    private long _done;

    /// <summary>Copies all of it.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<ImageExtent> pieces = Channel.CreateBounded<ImageExtent>(PiecesWaiting);
        Task[] all = [SplitAsync(pieces.Writer, stop.Token), .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => CopyAsync(pieces.Reader, stop.Token))];

        // The first failure stops the others, and is the one that is told.
        Task first = await Task.WhenAny(Task.WhenAll(all), WhenAnyFailedAsync(all));
        if (!first.IsCompletedSuccessfully)
        {
            await stop.CancelAsync();
        }

        await first;
        await Task.WhenAll(all);
    }

    private static async Task WhenAnyFailedAsync(Task[] tasks)
    {
        await foreach (Task ended in Task.WhenEach(tasks))
        {
            await ended;
        }
    }

    private async Task SplitAsync(ChannelWriter<ImageExtent> pieces, CancellationToken cancellationToken)
    {
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(cancellationToken))
        {
            if (extent.Kind != ExtentKind.Data && target.ReadsZero)
            {
                Told(extent.Length);
            }
            else if (extent.Encoding != ExtentEncoding.Plain)
            {
                await pieces.WriteAsync(extent, cancellationToken);
            }
            else
            {
                for (long at = 0; at < extent.Length; at += PieceLength)
                {
                    long length = Math.Min(PieceLength, extent.Length - at);
                    long sourceLength = Math.Clamp(extent.SourceLength - at, 0, length);
                    await pieces.WriteAsync(
                        extent with { GuestOffset = extent.GuestOffset + at, Length = length, SourceOffset = extent.SourceOffset + at, SourceLength = sourceLength },
                        cancellationToken);
                }
            }
        }

        pieces.Complete();
    }

    private async Task CopyAsync(ChannelReader<ImageExtent> pieces, CancellationToken cancellationToken)
    {
        // Off the caller's thread from here on: decoding is work, not waiting.
        await Task.Yield();
        using PieceReader piece = new(reader, source);
        await foreach (ImageExtent extent in pieces.ReadAllAsync(cancellationToken))
        {
            if (extent.Kind == ExtentKind.Data)
            {
                target.Write(extent.GuestOffset, (await piece.ReadAsync(extent, cancellationToken)).Span);
            }
            else
            {
                target.WriteZeroes(extent.GuestOffset, extent.Length);
            }

            Told(extent.Length);
        }
    }

    private void Told(long length)
    {
        lock (_lock)
        {
            _done += length;
            progress(new(WorkerPhase.Copy, new(_done), reader.VirtualSize));
        }
    }
}

/// <summary>Reads and decodes one piece after the other into buffers of its own.</summary>
internal sealed class PieceReader(IImageReader reader, IImageSource source) : IDisposable
{
    // The longest cluster of any format, and what a compressed one takes at most in the file.
    private const int LongestPiece = 4 << 20;

    private readonly byte[] _encoded = ArrayPool<byte>.Shared.Rent(LongestPiece);
    private readonly byte[] _decoded = ArrayPool<byte>.Shared.Rent(LongestPiece);

    /// <summary>The bytes of the disk; valid until the next call.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(ImageExtent extent, CancellationToken cancellationToken)
    {
        if (extent.Length > LongestPiece || extent.SourceLength > LongestPiece)
        {
            throw new StorageException(StorageErrorKind.Corrupt, source.Name, $"has an extent of {extent.Length} bytes in {extent.SourceLength}");
        }

        int read = await source.ReadAsync(extent.SourceOffset, _encoded.AsMemory(0, (int)extent.SourceLength), cancellationToken);
        Memory<byte> decoded = _decoded.AsMemory(0, (int)extent.Length);
        reader.Decode(extent, _encoded.AsSpan(0, read), decoded.Span);
        return decoded;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_encoded);
        ArrayPool<byte>.Shared.Return(_decoded);
    }
}
