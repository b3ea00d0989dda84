using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EveStorage.Host.Api;
using EveStorage.Host.Images;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>Runs a worker and believes nothing of what it says but an answer that parses, in bounded time and size.</summary>
internal static class WorkerProcess
{
    private const int MaxLine = 64 << 10;

    // 128 and the numbers of SIGXCPU, SIGSEGV and SIGABRT.
    private const int ProcessorTimeSpent = 152;
    private const int Crashed = 139;
    private const int Aborted = 134;

    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(2);

    /// <summary>Runs one to its answer, which is a refusal where it is one.</summary>
    /// <param name="request">What it is asked.</param>
    /// <param name="image">The image, with the files that it names.</param>
    /// <param name="targets">The volume and the spool, of an import.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="safe">Told how much of an import survives a crash.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The answer and, of an image that comes through a pipe, the SHA-256 of what came.</returns>
    /// <exception cref="StorageException">What became of the worker, or of the pipe.</exception>
    internal static async Task<(WorkerMessage Answer, string? SourceDigest)> AskAsync(
        WorkerRequest request, ImageInput image, SafeFileHandle[] targets, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken)
    {
        await using ImagePump? pump = image.IsPipe ? new(image, isLook: request.Import is null) : null;
        using RangeFeed? feed = image.Ranges is null ? null : new(image.Ranges);
        try
        {
            WorkerRun run = new()
            {
                Request = request,
                Descriptors = [pump?.Reader ?? feed?.Reader ?? image.Handle, .. image.Links.Select(static link => link.File), .. targets],
                Started = () =>
                {
                    pump?.Start();
                    feed?.Start();
                },
                Progress = progress,
                Safe = safe,
                ServeAsync = feed is null ? null : feed.ServeAsync,
            };
            WorkerMessage answer = await AskAsync(run, cancellationToken);
            return (answer, pump is null ? null : answer.Error is null ? await pump.EndAsync() : pump.Failure is null ? null : throw pump.Failure);
        }
        catch (StorageException) when (pump?.Failure is not null)
        {
            throw pump.Failure;   // to the worker it looked like an image that ends
        }
    }

    /// <summary>Runs one to its answer, as <see cref="AskAsync(WorkerRequest, ImageInput, SafeFileHandle[], Action{WorkerProgress}, Action{ByteSize}, CancellationToken)"/> does.</summary>
    /// <exception cref="StorageException">What the worker answered, or what became of it.</exception>
    internal static async Task<(WorkerMessage Answer, string? SourceDigest)> RunAsync(
        WorkerRequest request, ImageInput image, SafeFileHandle[] targets, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken)
    {
        (WorkerMessage answer, string? digest) = await AskAsync(request, image, targets, progress, safe, cancellationToken);
        return answer.Error is ErrorReport error ? throw error.ToException() : (answer, digest);
    }

    private static async Task<WorkerMessage> AskAsync(WorkerRun run, CancellationToken cancellationToken)
    {
        (string path, string[] arguments) = Self();
        using ChildProcess child = ChildProcess.Start(path, arguments, Environment(), run.Descriptors);
        run.Started();
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(s_silence);
        using CancellationTokenRegistration killed = silence.Token.Register(child.Kill);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<string> complaint = ReadTailAsync(child.Error);
        WorkerMessage? answer;
        try
        {
            await child.Input.WriteAsync(Encoding.UTF8.GetBytes($"{JsonSerializer.Serialize(run.Request, ApiJson.Compact)}\n"), CancellationToken.None);
            await child.Input.FlushAsync(CancellationToken.None);
            answer = await ReadAnswerAsync(child.Output, message => Take(run, message, silence, child.Kill, ended.Token));
        }
        catch (IOException)
        {
            answer = null;   // it ended before it had read or said all; how it ended is told below
        }

        if (answer is null)
        {
            child.Kill();
        }

        await EndServingAsync(run, ended);
        int exitCode = child.Wait();
        cancellationToken.ThrowIfCancellationRequested();
        string name = run.Request.ImageName;
        return answer switch
        {
            not null => answer,
            _ when silence.IsCancellationRequested => throw new StorageException(
                StorageErrorKind.Io, name, $"its worker said nothing for {s_silence.TotalSeconds:0} s and was ended: check the drive that holds the image, or who feeds the pipe"),
            _ when exitCode == ProcessorTimeSpent => throw new StorageException(
                StorageErrorKind.Corrupt, name, "kept its worker busy for longer than any image of its size needs, and was given up"),
            _ when exitCode is Crashed or Aborted => throw new StorageException(
                StorageErrorKind.Io, name, $"crashed its worker, which ended with {exitCode}: please report it ({await complaint})"),
            _ => throw new StorageException(
                StorageErrorKind.Io, name, $"its worker ended with {exitCode} and no answer; if nobody ended it, please report it ({await complaint})"),
        };
    }

    // What it says before its answer. Saying the same again is no progress.
    private static bool Take(WorkerRun run, WorkerMessage message, CancellationTokenSource silence, Action kill, CancellationToken ended)
    {
        if (message.Wants is ByteRange wanted && run.ServeAsync is not null)
        {
            run.Serving = ServeAsync(run, wanted, silence, kill, ended);
            return true;
        }

        if (message.Safe is ByteSize safe)
        {
            run.Safe(safe);
            return true;
        }

        if (message.Progress is not WorkerProgress told)
        {
            return false;
        }

        if (told != run.Last && run.Serving.IsCompleted)
        {
            silence.CancelAfter(s_silence);
        }

        run.Last = told;
        run.Progress(told);
        return true;
    }

    // Beside reading what else it says: it asks for one range at a time, and a server may let us wait. So long it is not silent.
    private static async Task ServeAsync(WorkerRun run, ByteRange wanted, CancellationTokenSource silence, Action kill, CancellationToken ended)
    {
        Task before = run.Serving;
        silence.CancelAfter(Timeout.InfiniteTimeSpan);
        try
        {
            await before;
            await run.ServeAsync!(wanted, ended);
            silence.CancelAfter(s_silence);
        }
        catch
        {
            kill();
            throw;
        }
    }

    private static async Task EndServingAsync(WorkerRun run, CancellationTokenSource ended)
    {
        await ended.CancelAsync();   // who has ended asks for nothing any more
        try
        {
            await run.Serving;
        }
        catch (OperationCanceledException)
        {
            // that is what was asked for
        }
    }

    private static async Task<WorkerMessage?> ReadAnswerAsync(Stream output, Predicate<WorkerMessage> take)
    {
        byte[] buffer = new byte[MaxLine];
        int length = 0;
        while (length < MaxLine && await output.ReadAsync(buffer.AsMemory(length)) is int read and > 0)
        {
            length += read;
            while (buffer.AsSpan(0, length).IndexOf((byte)'\n') is int end and >= 0)
            {
                if (Parse(buffer.AsSpan(0, end)) is not WorkerMessage message)
                {
                    return null;
                }

                if (!take(message))
                {
                    return message;
                }

                buffer.AsSpan(end + 1, length - end - 1).CopyTo(buffer);
                length -= end + 1;
            }
        }

        return null;
    }

    private static WorkerMessage? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<WorkerMessage>(line, ApiJson.Compact);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The end of what it complains of; the rest is read and dropped, so that it never waits for a reader.
    private static async Task<string> ReadTailAsync(Stream error)
    {
        const int Kept = 512;
        byte[] buffer = new byte[MaxLine];
        string tail = "";
        while (await error.ReadAsync(buffer) is int read and > 0)
        {
            string text = tail + Encoding.UTF8.GetString(buffer, 0, read);
            tail = text[Math.Max(0, text.Length - Kept)..];
        }

        return tail.Trim().ReplaceLineEndings(" ");
    }

    // The worker is this program, whoever hosts this assembly: the tests do, too.
    private static (string Path, string[] Arguments) Self()
    {
        string assembly = typeof(WorkerProcess).Assembly.Location;
        string executable = Path.ChangeExtension(assembly, null);
        return File.Exists(executable) ? (executable, ["worker"]) : (System.Environment.ProcessPath!, [assembly, "worker"]);
    }

    private static Dictionary<string, string> Environment()
    {
        Dictionary<string, string> environment = new()
        {
            ["LC_ALL"] = "C",
            ["PATH"] = "/usr/bin:/bin",
            ["DOTNET_GCHeapHardLimit"] = $"0x{WorkerJail.MemoryLimit.Bytes / 4:x}",
            ["DOTNET_gcConcurrent"] = "0",
            ["DOTNET_GCgen0size"] = "0x400000",   // what is short-lived here is small, and else takes as much as a processor's cache
            ["DOTNET_EnableDiagnostics"] = "0",
            ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1",   // or it would look for ICU when it is jailed
        };
        foreach (string kept in (string[])["DOTNET_ROOT", "HOME"])
        {
            if (System.Environment.GetEnvironmentVariable(kept) is string value)
            {
                environment.Add(kept, value);
            }
        }

        return environment;
    }

    /// <summary>A worker's run.</summary>
    private sealed record WorkerRun
    {
        /// <summary>What it is asked.</summary>
        public required WorkerRequest Request { get; init; }

        /// <summary>What it gets.</summary>
        public required SafeHandle[] Descriptors { get; init; }

        /// <summary>Called when it has them.</summary>
        public required Action Started { get; init; }

        /// <summary>Told how far it is.</summary>
        public required Action<WorkerProgress> Progress { get; init; }

        /// <summary>Told how much of an import survives a crash.</summary>
        public required Action<ByteSize> Safe { get; init; }

        /// <summary>Passes on what it asks for of its image; null where it reads that itself.</summary>
        public required Func<ByteRange, CancellationToken, Task>? ServeAsync { get; init; }

        /// <summary>What is being passed on.</summary>
        public Task Serving { get; set; } = Task.CompletedTask;

        /// <summary>What it said last.</summary>
        public WorkerProgress? Last { get; set; }
    }
}
