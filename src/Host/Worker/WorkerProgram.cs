using EveStorage.Cli.Api;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>
/// The child that parses images: it has its standard streams, and a socket through which come the image, the files that images name
/// and, for an import, the volume and a spool. It ends when its standard input does, which is when its host is gone.
/// </summary>
internal static class WorkerProgram
{
    // What an image has behind its disk: snapshots, tables, clusters that nothing uses any more. What never ends is no image.
    private const long MostBehind = 64L << 30;
    private const long MostBehindAnnounced = 64L << 20;

    private static readonly TimeSpan s_progressInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Does what the line on standard input asks.</summary>
    internal static async Task<int> RunAsync(Stream input, Stream output, IReadOnlyList<string> plugins)
    {
        BeKilledFirst();
        using PeakMemory peak = PeakMemory.Open();

        // Each processor's copying may wait for the drive or the host in a call: what marks, and what hears of our host's end, must not wait for it.
        ThreadPool.SetMinThreads((2 * Environment.ProcessorCount) + 4, 1);
        WorkerOrders orders = new(input);
        WorkerJail.GetReady();
        WorkerFormats formats = new();
        formats.LoadAhead(plugins);
        await WorkerRehearsal.RunAsync(formats, plugins, orders.Orphaned);
        if (await orders.RequestAsync() is not WorkerRequest request)
        {
            return 1;
        }

        WorkerMessage answer;
        try
        {
            answer = await AnswerAsync(request, formats, orders, said => Say(output, said), orders.Orphaned);
        }
        catch (StorageException e)
        {
            answer = new() { Error = ErrorReport.Of(e) };
        }
        catch (OutOfMemoryException)
        {
            answer = new() { Error = new(StorageErrorKind.NotSupported, request.ImageName, $"needs more memory than a worker may hold, which is {WorkerJail.MemoryLimit}") };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever an image holds, a format has to answer with a StorageException.
            answer = new() { Error = new(StorageErrorKind.Io, request.ImageName, $"met a fault of the program, please report it: {FaultOf(e)}") };
        }

        Say(output, answer with { PeakMemory = peak.Look(), Processors = Environment.CpuUsage.TotalTime });
        return orders.Orphaned.IsCancellationRequested ? 1 : 0;
    }

    // When memory ends: not the daemon, whose low value a child inherits (proc(5), oom_score_adj). Where that can't be written it is as before.
    private static void BeKilledFirst()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "500");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    // What it was and where it began: short, since an answer is one line of bounded length.
    private static string FaultOf(Exception e)
    {
        const int Kept = 1024;
        string text = $"{e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n')[0].Trim()}";
        return text[..Math.Min(Kept, text.Length)];
    }

    private static void Say(Stream output, WorkerMessage message)
    {
        lock (output)
        {
            output.Write(WorkerJson.Write(message));
            output.Flush();
        }
    }

    private static async Task<WorkerMessage> AnswerAsync(WorkerRequest request, WorkerFormats formats, WorkerOrders orders, Action<WorkerMessage> say, CancellationToken cancellationToken)
    {
        Action<WorkerProgress> seldom = Seldom(progress => say(new() { Progress = progress }));
        SparseTarget? spool = null;
        SafeFileHandle[] images = [orders.Take(), .. request.Links.Select(_ => orders.Take())];
        SafeFileHandle? volume = request.Import is null ? null : orders.Take();
        SafeFileHandle? spooled = request.Import?.SpoolSize is null ? null : orders.Take();
        void Prepare(StreamSource stream) => spool = spooled is null ? null : SpoolOf(stream, spooled, request.Import!);

        using ImageOpening opening = new(request, formats, images, wanted => say(new() { Wants = wanted }));
        string? lacks = WorkerJail.Enter(request, opening.Formats, opening.KnownLength, start => say(new() { Started = start }));
        OpenImage image;
        try
        {
            image = await opening.OpenAsync(Prepare, seldom, cancellationToken);
        }
        catch (LinkNeededException e)
        {
            return new() { Needs = e.Link };
        }

        await using LayeredDisk disk = image.Disk;
        if (request.Serves is not null)
        {
            using ImageServing serving = new(disk, orders.Take(), orders.Take(), seldom);
            await serving.RunAsync(cancellationToken);
            return new() { Lacks = lacks };
        }

        ImportOrder? order = request.Import;
        if (order is null)
        {
            WorkerMessage looked = new() { Lacks = lacks, Report = await ImageSurvey.RunAsync(image, request.GoOver, seldom, cancellationToken) };
            if (!request.Keeps || looked.Report.Refusal is not null || !CanGoOn(image, request))
            {
                return looked;
            }

            say(looked with { Waits = true });
            order = await orders.OrderAsync();
            volume = orders.Take();
            spool = order.SpoolSize is not null && image.Stream is { } stream ? SpoolOf(stream, orders.Take(), order) : null;
        }

        ImportResult result = await ImportAsync(request, image, order, volume!, say, cancellationToken);
        return new() { Lacks = lacks, Result = result with { Spooled = spool?.Written ?? default, Read = opening.Read } };
    }

    // What was passed over of a stream before there was a spool is gone.
    private static bool CanGoOn(OpenImage image, WorkerRequest request) => image.Stream is null || (image.Stream.PassedLength == 0 && request.Snapshot is null);

    private static SparseTarget SpoolOf(StreamSource stream, SafeFileHandle file, ImportOrder order)
    {
        SparseTarget spool = new(file, order.SpoolSize!.Value, order.WriteBudget, readsZero: true);
        stream.SpoolTo(spool, order.SpoolSize!.Value);
        return spool;
    }

    /// <summary>Copies an image that was opened to the volume, which it closes.</summary>
    internal static async Task<ImportResult> ImportAsync(
        WorkerRequest request, OpenImage image, ImportOrder order, SafeFileHandle volume, Action<WorkerMessage> say, CancellationToken cancellationToken)
    {
        Action<WorkerProgress> seldom = Seldom(progress => say(new() { Progress = progress }));
        LayeredDisk disk = image.Disk;
        if (disk.VirtualSize > order.VolumeSize)
        {
            throw new StorageException(StorageErrorKind.Conflict, request.ImageName, $"has a disk of {disk.VirtualSize}, and the volume has {order.VolumeSize}");
        }

        using SafeFileHandle owned = volume;
        SparseTarget target = new(volume, order.VolumeSize, order.WriteBudget, order.ReadsZero);
        ImageCopy copy = new(disk, target, image.Stream, seldom)
        {
            From = order.From,
            Shares = order.Shares,
            Marks = order.Marks && image.Stream is null ? new(target, order.From, safe => say(new() { Safe = safe })) : null,
        };
        await copy.RunAsync(cancellationToken);
        if (image.Stream is { } stream)
        {
            DrainStream(stream, request.ImageName, cancellationToken);
        }

        if (!order.ReadsZero && disk.VirtualSize < order.VolumeSize)
        {
            target.WriteZeroes(disk.VirtualSize.Bytes, order.VolumeSize.Bytes - disk.VirtualSize.Bytes);
        }

        target.Flush();
        string? digest = order.Verify ? await ImageDigest.CompareAsync(disk, target, seldom, cancellationToken) : null;
        return new(target.Written, default, digest);
    }

    private static void DrainStream(StreamSource stream, string name, CancellationToken cancellationToken)
    {
        long most = stream.Length is null ? MostBehind : MostBehindAnnounced;
        long more = stream.Drain(most, cancellationToken);
        if (more > 0 && stream.Length is long said)
        {
            throw new StorageException(StorageErrorKind.Corrupt, name, $"goes on for {(more > most ? "more than " : "")}{Math.Min(more, most)} bytes beyond the {said} that were announced");
        }

        if (more > most)
        {
            throw new StorageException(StorageErrorKind.Corrupt, name, $"goes on for more than {new ByteSize(most)} after all that belongs to its disk");
        }
    }

    private static Action<WorkerProgress> Seldom(Action<WorkerProgress> progress)
    {
        long told = 0;
        return value =>
        {
            if (told == 0 || value.Done == value.Total || TimeProvider.System.GetElapsedTime(told) >= s_progressInterval)
            {
                told = TimeProvider.System.GetTimestamp();
                progress(value);
            }
        };
    }
}
