using System.Threading.Channels;

namespace EveStorage.Host.Worker;

/// <summary>
/// Copies an image's disk to a volume: extents in order into tasks of bounded size, tasks read, decoded and written by as many
/// threads as there are processors, each with its own buffers. Memory is bounded by the tasks under way. Of a stream each
/// piece is read where it passes, by who tells the tasks.
/// </summary>
internal sealed class ImageCopy(LayeredDisk disk, SparseTarget target, StreamSource? stream, Action<WorkerProgress> progress)
{
    // Of a stream each holds its bytes.
    private const int TasksWaiting = 16;

    private readonly Lock _lock = new();
    private long _done;

    /// <summary>How much of the disk, in the order in which the image tells it, was copied before and is left out.</summary>
    internal ByteSize From { get; init; }

    /// <summary>Whether image and volume may lie where they can share blocks.</summary>
    internal bool Shares { get; init; }

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
        Channel<CopyTask> tasks = Channel.CreateBounded<CopyTask>(TasksWaiting);
        Task[] all = [SplitAsync(tasks.Writer, stop.Token), .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => CopyAsync(tasks.Reader, stop.Token))];

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

    private async Task SplitAsync(ChannelWriter<CopyTask> tasks, CancellationToken cancellationToken)
    {
        long end = 0;
        long cost = 0;
        CopyTask? open = null;   // which more may be added to
        await foreach (DiskPiece whole in disk.ReadAsync(cancellationToken))
        {
            long start = end;
            end += whole.Length;
            if (end <= From.Bytes)
            {
                Told(whole.Length);
                continue;
            }

            DiskPiece run = Rest(whole, end);
            bool isNothing = !run.IsData && target.ReadsZero;
            if (open is not null && (isNothing || run.IsPlain || !open.TryAdd(run)))
            {
                await AddAsync(tasks, open, start, cost, cancellationToken);
                open = null;
            }

            if (isNothing)
            {
                Marks?.Begin(end, cost, isDone: true);
                Told(run.Length);
            }
            else if (run.IsPlain)
            {
                cost = await SplitAsync(tasks, run, end, cost, cancellationToken);
            }
            else
            {
                open ??= new(run);
                cost += run.Length;
                await FetchAsync(open, run, run.Extent, cancellationToken);
            }
        }

        if (open is not null)
        {
            await AddAsync(tasks, open, end, cost, cancellationToken);
        }

        tasks.Complete();
    }

    private async ValueTask<long> SplitAsync(ChannelWriter<CopyTask> tasks, DiskPiece run, long end, long cost, CancellationToken cancellationToken)
    {
        for (long at = 0; at < run.Length; at += CopyTask.MostDecoded)
        {
            DiskPiece part = run with { GuestOffset = run.GuestOffset + at, Length = Math.Min(CopyTask.MostDecoded, run.Length - at) };
            CopyTask task = new(part);
            cost += part.Length;
            await FetchAsync(task, part, part.PlainPart(part.GuestOffset, part.Length), cancellationToken);
            await AddAsync(tasks, task, end - run.Length + at + part.Length, cost, cancellationToken);
        }

        return cost;
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

    private async ValueTask AddAsync(ChannelWriter<CopyTask> tasks, CopyTask task, long end, long cost, CancellationToken cancellationToken)
    {
        if (Marks is not null)
        {
            await Marks.WaitAsync(cost, cancellationToken);
            task.Part = Marks.Begin(end, cost, isDone: false);
        }

        await tasks.WriteAsync(task, cancellationToken);
    }

    // Of a stream at once: what is told next may lie behind it.
    private async ValueTask FetchAsync(CopyTask task, DiskPiece piece, ImageExtent extent, CancellationToken cancellationToken)
    {
        if (stream is null || !piece.IsData || disk.Layers[piece.Layer].Data != stream)
        {
            return;
        }

        PieceReader.RequireBounded(extent, stream.Name);
        task.Took(await stream.ReadAsync(extent.SourceOffset, task.PlaceFor((int)extent.SourceLength), cancellationToken));
        if (!piece.IsPlain)
        {
            stream.KeepEnd();
        }
    }

    private async Task CopyAsync(ChannelReader<CopyTask> tasks, CancellationToken cancellationToken)
    {
        // Off the caller's thread from here on: decoding is work, not waiting.
        await Task.Yield();
        using PieceReader reader = new(disk);
        await foreach (CopyTask task in tasks.ReadAllAsync(cancellationToken))
        {
            if (!task.First.IsData)
            {
                target.WriteZeroes(task.GuestOffset, task.Length);
            }
            else if (!TryShare(task.First))
            {
                target.Write(task.GuestOffset, (await reader.ReadAsync(task, cancellationToken)).Span);
                task.Return();
            }

            if (task.Part is not null)
            {
                Marks!.Done(task.Part);
            }

            Told(task.Length);
        }
    }

    // What was shared of a piece that could not be shared whole is written once more.
    private bool TryShare(DiskPiece piece)
    {
        if (!Shares || !piece.IsPlain || disk.Layers[piece.Layer].Data is not DescriptorSource file)
        {
            return false;
        }

        ImageExtent extent = piece.PlainPart(piece.GuestOffset, piece.Length);
        return extent.SourceLength == piece.Length && file.ShareWith(target, extent) == piece.Length;
    }

    private void Told(long length)
    {
        lock (_lock)
        {
            _done += length;
            progress(new(WorkerPhase.Copy, new(_done), new(disk.VirtualSize.Bytes + (stream?.PassedLength ?? 0))));
        }
    }
}
