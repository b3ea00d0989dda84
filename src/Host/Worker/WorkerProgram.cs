using System.Text.Json;
using EveStorage.Host.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Plugins;
using EveStorage.Linux;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>
/// The child that parses images: it has its standard streams, the image as descriptor 3 and, for an import, the volume as
/// descriptor 4. It ends when its standard input does, which is when its host is gone.
/// </summary>
internal static class WorkerProgram
{
    /// <summary>What a worker may hold: two pieces a processor, an image's tables, and the runtime.</summary>
    internal static ByteSize MemoryLimit { get; } = new(1L << 30);

    private const int ImageDescriptor = 3;
    private const int TargetDescriptor = 4;
    private const int HeadLength = 4096;
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Does what the line on standard input asks.</summary>
    internal static async Task<int> RunAsync(Stream input, Stream output)
    {
        ResourceLimits.LimitData(MemoryLimit);
        BeKilledFirst();
        using StreamReader lines = new(input);
        WorkerRequest request = JsonSerializer.Deserialize<WorkerRequest>(await lines.ReadLineAsync() ?? "null", ApiJson.Compact)
            ?? throw new InvalidOperationException("A worker is started by its host.");
        using CancellationTokenSource orphaned = new();
        Task watching = CancelAtEndAsync(lines, orphaned);
        WorkerMessage answer;
        try
        {
            answer = await AnswerAsync(request, progress => Say(output, new() { Progress = progress }), orphaned.Token);
        }
        catch (StorageException e)
        {
            answer = new() { Error = ErrorReport.Of(e) };
        }
        catch (OutOfMemoryException)
        {
            answer = new() { Error = new(StorageErrorKind.NotSupported, request.ImageName, $"needs more memory than a worker may hold, which is {MemoryLimit}") };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever an image holds, a format has to answer with a StorageException.
            answer = new() { Error = new(StorageErrorKind.Io, request.ImageName, $"met a fault of the program, please report it: {FaultOf(e)}") };
        }

        Say(output, answer);
        return watching.IsCompleted ? 1 : 0;
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

    private static async Task CancelAtEndAsync(StreamReader lines, CancellationTokenSource orphaned)
    {
        while (await lines.ReadLineAsync() is not null)
        {
        }

        await orphaned.CancelAsync();
    }

    private static void Say(Stream output, WorkerMessage message)
    {
        lock (output)
        {
            output.Write([.. JsonSerializer.SerializeToUtf8Bytes(message, ApiJson.Compact), (byte)'\n']);
            output.Flush();
        }
    }

    private static async Task<WorkerMessage> AnswerAsync(WorkerRequest request, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        DescriptorSource source = new(new SafeFileHandle(ImageDescriptor, ownsHandle: true), request.ImageName);
        (string kind, IImageFormat format) = await ChooseAsync(request, source, cancellationToken);
        Action<WorkerProgress> seldom = Seldom(progress);
        await using IImageReader reader = await OpenAsync(format, source, seldom, cancellationToken);
        if (request.Import is not ImportOrder order)
        {
            return new() { Report = await DescribeAsync(kind, reader, source, request.GoOver, seldom, cancellationToken) };
        }

        if (reader.VirtualSize > order.VolumeSize)
        {
            throw new StorageException(StorageErrorKind.Conflict, request.ImageName, $"has a disk of {reader.VirtualSize}, and the volume has {order.VolumeSize}");
        }

        using SafeFileHandle volume = new(TargetDescriptor, ownsHandle: true);
        ResourceLimits.LimitFiles(order.VolumeSize);
        SparseTarget target = new(volume, order.VolumeSize, order.WriteBudget, order.ReadsZero);
        await new ImageCopy(reader, source, target, seldom).RunAsync(cancellationToken);
        if (!order.ReadsZero && reader.VirtualSize < order.VolumeSize)
        {
            target.WriteZeroes(reader.VirtualSize.Bytes, order.VolumeSize.Bytes - reader.VirtualSize.Bytes);
        }

        target.Flush();
        string? digest = order.Verify ? await ImageDigest.CompareAsync(reader, source, target, seldom, cancellationToken) : null;
        return new() { Result = new(target.Written, digest) };
    }

    private static async Task<(string Kind, IImageFormat Format)> ChooseAsync(WorkerRequest request, DescriptorSource source, CancellationToken cancellationToken)
    {
        byte[] head = new byte[HeadLength];
        int length = await source.ReadAsync(0, head, cancellationToken);
        PluginServices services = new()
        {
            Loggers = NullLoggerFactory.Instance,
            Time = TimeProvider.System,
            Events = NoEvents.Instance,
            Name = "worker",
        };
        List<string> known = [];
        foreach (string directory in request.Plugins)
        {
            foreach ((string kind, Func<PluginServices, IImageFormat> create) in PluginCatalog.LoadOne(directory).ImageFormats)
            {
                IImageFormat format = create(services);
                if (kind == request.Format || (request.Format is null && format.Recognizes(head.AsSpan(0, Math.Clamp(format.SignatureLength, 0, length)))))
                {
                    return (kind, format);
                }

                known.Add(kind);
            }
        }

        throw request.Format is null
            ? new StorageException(StorageErrorKind.NotSupported, request.ImageName, $"is of no format that is recognized by its content: name it with --format ({string.Join(", ", known)})")
            : new StorageException(StorageErrorKind.NotSupported, request.ImageName, $"'{request.Format}' is no format here; there are {string.Join(", ", known)}");
    }

    // What it reads meanwhile is told, so that going over a large file is not taken for silence.
    private static async Task<IImageReader> OpenAsync(IImageFormat format, DescriptorSource source, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        source.ReadFrom = offset => progress(new(WorkerPhase.Open, new(offset), new(source.Length ?? offset)));
        IImageReader reader = await format.OpenAsync(source, cancellationToken);
        source.ReadFrom = null;
        return reader;
    }

    private static async Task<ImageReport> DescribeAsync(
        string kind, IImageReader reader, DescriptorSource source, bool goOver, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        long data = 0;
        long seen = 0;
        ErrorReport? refusal = null;
        try
        {
            await foreach (ImageExtent extent in reader.ReadExtentsAsync(cancellationToken))
            {
                if (!goOver)
                {
                    break;
                }

                data += extent.Kind == ExtentKind.Data ? extent.Length : 0;
                seen += extent.Length;
                progress(new(WorkerPhase.Copy, new(seen), reader.VirtualSize));
            }
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            refusal = ErrorReport.Of(e);   // it is known what it is, and that is what was asked for
        }

        return new()
        {
            Format = kind,
            VirtualSize = reader.VirtualSize,
            DataSize = goOver && refusal is null ? new(data) : null,
            SourceSize = new(source.Length ?? 0),
            Details = reader.Details,
            Refusal = refusal,
        };
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

    private sealed class NoEvents : IEventSink
    {
        internal static NoEvents Instance { get; } = new();

        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
