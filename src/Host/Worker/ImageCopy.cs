using System.Buffers;
using System.Threading.Channels;

namespace EveStorage.Host.Worker;

/// <summary>
/// Copies an image's disk to a volume: extents in order into pieces of bounded size, pieces decoded and written by as many
/// threads as there are processors, each with its own buffers. Memory is bounded by the pieces under way. Of a stream each
/// piece is read where it passes, by who tells the pieces.
/// </summary>
internal sealed class ImageCopy(LayeredDisk disk, SparseTarget target, StreamSource? stream, Action<WorkerProgress> progress)
{
    // Long enough that a system call costs nothing beside it, short enough that several fit in a cache.
    private const int PieceLength = 1 << 20;
    private const int PiecesWaiting = 16;

    private readonly Lock _lock = new();
    private long _done;

    /// <summary>How much of the disk, in the order in which the image tells it, was copied before and is left out.</summary>
    internal ByteSize From { get; init; }

    /// <summary>Marks how far it has come; null where nobody could go on with it.</summary>
    internal CopyMarks? Marks { get; init; }

    /// <summary>Copies all of it.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        if (stream is not null)
        {
            stream.Passed = Told;
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<Piece> pieces = Channel.CreateBounded<Piece>(PiecesWaiting);
        Task[] all = [SplitAsync(pieces.Writer, stop.Token), .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => CopyAsync(pieces.Reader, stop.Token))];

        // The first failure stops the others, and is the one that is told.
        Task marking = Marks?.RunAsync(stop.Token) ?? Task.CompletedTask;
        Task first = await Task.WhenAny(Task.WhenAll(all), WhenAnyFailedAsync([.. all, marking]));
        if (!first.IsCompletedSuccessfully)
        {
            await stop.CancelAsync();
        }

        await first;
        await Task.WhenAll(all);
        await stop.CancelAsync();
        await marking;
    }

    private static async Task WhenAnyFailedAsync(Task[] tasks)
    {
        await foreach (Task ended in Task.WhenEach(tasks))
        {
            await ended;
        }
    }

    private async Task SplitAsync(ChannelWriter<Piece> pieces, CancellationToken cancellationToken)
    {
        long end = 0;
        long cost = 0;
        await foreach (DiskPiece whole in disk.ReadAsync(cancellationToken))
        {
            end += whole.Length;
            if (end <= From.Bytes)
            {
                Told(whole.Length);
                continue;
            }

            DiskPiece run = Rest(whole, end);
            if (!run.IsData && target.ReadsZero)
            {
                Marks?.Begin(end, cost, isDone: true);
                Told(run.Length);
            }
            else if (!run.IsPlain)
            {
                cost += run.Length;
                await AddAsync(pieces, run, run.Extent, end, cost, cancellationToken);
            }
            else
            {
                for (long at = 0; at < run.Length; at += PieceLength)
                {
                    DiskPiece part = run with { GuestOffset = run.GuestOffset + at, Length = Math.Min(PieceLength, run.Length - at) };
                    cost += part.Length;
                    await AddAsync(pieces, part, part.PlainPart(part.GuestOffset, part.Length), end - run.Length + at + part.Length, cost, cancellationToken);
                }
            }
        }

        pieces.Complete();
    }

    // What is encoded is decoded whole: copying it twice does no harm.
    private DiskPiece Rest(DiskPiece run, long end)
    {
        long skipped = run.IsPlain ? Math.Max(0, From.Bytes - (end - run.Length)) : 0;
        if (skipped > 0)
        {
            Told(skipped);
        }

        return run with { GuestOffset = run.GuestOffset + skipped, Length = run.Length - skipped };
    }

    private async ValueTask AddAsync(ChannelWriter<Piece> pieces, DiskPiece run, ImageExtent extent, long end, long cost, CancellationToken cancellationToken)
    {
        if (Marks is not null)
        {
            await Marks.WaitAsync(cost, cancellationToken);
        }

        CopyPart? part = Marks?.Begin(end, cost, isDone: false);
        await pieces.WriteAsync(await FetchAsync(run, extent, cancellationToken) with { Part = part }, cancellationToken);
    }

    private async ValueTask<Piece> FetchAsync(DiskPiece piece, ImageExtent extent, CancellationToken cancellationToken)
    {
        if (stream is null || !piece.IsData || disk.Layers[piece.Layer].Data != stream)
        {
            return new(piece, null, 0, null);
        }

        PieceReader.RequireBounded(extent, stream.Name);
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)extent.SourceLength);
        int read = await stream.ReadAsync(extent.SourceOffset, bytes.AsMemory(0, (int)extent.SourceLength), cancellationToken);
        if (!piece.IsPlain)
        {
            stream.KeepEnd();
        }

        return new(piece, bytes, read, null);
    }

    private async Task CopyAsync(ChannelReader<Piece> pieces, CancellationToken cancellationToken)
    {
        // Off the caller's thread from here on: decoding is work, not waiting.
        await Task.Yield();
        using PieceReader reader = new(disk);
        await foreach ((DiskPiece piece, byte[]? bytes, int read, CopyPart? part) in pieces.ReadAllAsync(cancellationToken))
        {
            if (!piece.IsData)
            {
                target.WriteZeroes(piece.GuestOffset, piece.Length);
            }
            else if (bytes is null)
            {
                target.Write(piece.GuestOffset, (await reader.ReadAsync(piece, cancellationToken)).Span);
            }
            else
            {
                target.Write(piece.GuestOffset, reader.Decode(piece, bytes.AsMemory(0, read)).Span);
                ArrayPool<byte>.Shared.Return(bytes);
            }

            if (part is not null)
            {
                Marks!.Done(part);
            }

            Told(piece.Length);
        }
    }

    private void Told(long length)
    {
        lock (_lock)
        {
            _done += length;
            progress(new(WorkerPhase.Copy, new(_done), new(disk.VirtualSize.Bytes + (stream?.PassedLength ?? 0))));
        }
    }

    /// <summary>A piece, with the bytes of its extent when they were read where a stream passed.</summary>
    private readonly record struct Piece(DiskPiece Run, byte[]? Bytes, int Read, CopyPart? Part);
}
