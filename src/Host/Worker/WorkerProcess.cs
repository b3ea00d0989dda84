using System.Runtime.InteropServices;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>
/// A worker that runs. Nothing of what it says is believed but an answer that parses, in bounded time and size. One that only
/// looked is kept where an import may follow, which it goes on with.
/// </summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    // 128 and the numbers of SIGXCPU, SIGSEGV and SIGABRT.
    private const int ProcessorTimeSpent = 152;
    private const int Crashed = 139;
    private const int Aborted = 134;

    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(2);

    private readonly string _name;
    private readonly ImagePump? _pump;
    private readonly RangeFeed? _feed;
    private readonly IdleWorker _idle;
    private readonly WorkerOutput _output;
    private readonly Task<string> _complaint;
    private SpareWorker? _spare;
    private TimeSpan _started;

    private WorkerProcess(WorkerRequest request, ImageInput image, IdleWorker idle)
    {
        _idle = idle;
        _name = request.ImageName;
        _pump = image is { IsPipe: true, GoesStraight: false } ? new(image, isLook: request.Import is null) : null;
        _feed = image.Ranges is null ? null : new(image.Ranges);
        _output = new(idle.Child.Output);
        _complaint = WorkerOutput.ReadTailAsync(idle.Child.Error);
    }

    /// <summary>Whether it has looked, and waits for an order to import.</summary>
    internal bool IsKept { get; private set; }

    /// <summary>Runs one to its answer, which is a refusal where it is one.</summary>
    /// <param name="request">What it is asked.</param>
    /// <param name="image">The image, with the files that it names. It keeps a worker that can go on with an import.</param>
    /// <param name="targets">The volume and the spool, of an import.</param>
    /// <param name="spare">One that is ready; null to start one.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="safe">Told how much of an import survives a crash.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The answer and, of an image that comes through a pipe, the SHA-256 of what came.</returns>
    /// <exception cref="StorageException">What became of the worker, or of the pipe.</exception>
    internal static async Task<(WorkerMessage Answer, string? SourceDigest)> AskAsync(
        WorkerRequest request, ImageInput image, SafeFileHandle[] targets, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken, SpareWorker? spare = null)
    {
        WorkerProcess worker = new(request, image, spare?.Take() ?? IdleWorker.Start()) { _spare = spare };
        try
        {
            WorkerMessage answer = await worker.AnswerAsync(WorkerJson.Write(request), request.Keeps, () => worker.HandOver(image, targets), new() { Progress = progress, Safe = safe }, cancellationToken);
            if (worker.IsKept)
            {
                image.Keep(worker);
                return (answer, null);
            }

            return (answer, await worker.PumpedAsync(answer));
        }
        catch (StorageException) when (worker._pump?.Failure is not null)
        {
            throw worker._pump.Failure;   // to the worker it looked like an image that ends
        }
        finally
        {
            if (!worker.IsKept)
            {
                await worker.DisposeAsync();
            }
        }
    }

    /// <summary>Runs one to its answer, as <see cref="AskAsync"/> does.</summary>
    /// <exception cref="StorageException">What the worker answered, or what became of it.</exception>
    internal static async Task<(WorkerMessage Answer, string? SourceDigest)> RunAsync(
        WorkerRequest request, ImageInput image, SafeFileHandle[] targets, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken, SpareWorker? spare = null)
    {
        (WorkerMessage answer, string? digest) = await AskAsync(request, image, targets, progress, safe, cancellationToken, spare);
        return answer.Error is ErrorReport error ? throw error.ToException() : (answer, digest);
    }

    /// <summary>Goes on with an import of what it looked at.</summary>
    /// <exception cref="StorageException">What the worker answered, or what became of it.</exception>
    internal async Task<(WorkerMessage Answer, string? SourceDigest)> ImportAsync(
        ImportOrder order, SafeFileHandle[] targets, Action<WorkerProgress> progress, Action<ByteSize> safe, CancellationToken cancellationToken)
    {
        IsKept = false;
        _pump?.GoOn();
        try
        {
            WorkerMessage answer = await AnswerAsync(
                WorkerJson.Write(order),
                keeps: false,
                () => HandOver(order, targets),
                new() { Progress = progress, Safe = safe },
                cancellationToken);
            string? digest = await PumpedAsync(answer);
            return answer.Error is ErrorReport error ? throw error.ToException() : (answer, digest);
        }
        catch (StorageException) when (_pump?.Failure is not null)
        {
            throw _pump.Failure;   // to the worker it looked like an image that ends
        }
    }

    /// <summary>Ends it if it runs.</summary>
    public async ValueTask DisposeAsync()
    {
        _idle.Dispose();
        _feed?.Dispose();
        if (_pump is not null)
        {
            await _pump.DisposeAsync();
        }

        _spare?.Replace();
    }

    // The image, the files of the links, and of an import that is asked for at once the volume and the spool. Its end of a pipe is its own then.
    private void HandOver(ImageInput image, SafeFileHandle[] targets)
    {
        Send([_pump?.Reader ?? _feed?.Reader ?? image.Handle, .. image.Links.Select(static link => link.File), .. targets]);
        _pump?.Start();
        _feed?.Start();
    }

    private void HandOver(ImportOrder order, SafeFileHandle[] targets)
    {
        ByteSize most = WorkerJail.MostWritten(order);
        _idle.Child.Limit(most, WorkerJail.TimeLimit(most, _started));
        Send(targets);
    }

    private void Send(SafeHandle[] descriptors)
    {
        foreach (SafeHandle descriptor in descriptors)
        {
            UnixDescriptors.Send(_idle.Socket, [0], descriptor);
        }
    }

    private async Task<WorkerMessage> AnswerAsync(byte[] question, bool keeps, Action handOver, WorkerRun run, CancellationToken cancellationToken)
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(s_silence);
        using CancellationTokenRegistration killed = silence.Token.Register(_idle.Child.Kill);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        WorkerMessage? answer;
        try
        {
            TryHandOver(handOver);
            await _idle.Child.Input.WriteAsync(question, CancellationToken.None);
            await _idle.Child.Input.FlushAsync(CancellationToken.None);
            do
            {
                answer = await _output.NextAsync();
            }
            while (answer is not null && Take(run, answer, silence, ended.Token));
        }
        catch (IOException)
        {
            answer = null;   // it ended before it had read or said all; how it ended is told below
        }

        if (answer is null)
        {
            _idle.Child.Kill();
        }

        await EndServingAsync(run, ended);
        IsKept = keeps && answer is { Waits: true, Report: not null } && !cancellationToken.IsCancellationRequested;
        return IsKept ? answer! : await EndAsync(answer, silence.IsCancellationRequested, cancellationToken);
    }

    private static void TryHandOver(Action handOver)
    {
        try
        {
            handOver();
        }
        catch (StorageException)
        {
            // It has ended meanwhile: how is told where its answer is missed.
        }
    }

    private async Task<WorkerMessage> EndAsync(WorkerMessage? answer, bool wasSilent, CancellationToken cancellationToken)
    {
        int exitCode = _idle.Child.Wait();
        cancellationToken.ThrowIfCancellationRequested();
        return answer switch
        {
            not null => answer,
            _ when wasSilent => throw new StorageException(
                StorageErrorKind.Io, _name, $"its worker said nothing for {s_silence.TotalSeconds:0} s and was ended: check the drive that holds the image, or who feeds the pipe"),
            _ when exitCode == ProcessorTimeSpent => throw new StorageException(
                StorageErrorKind.Corrupt, _name, "kept its worker busy for longer than any image of its size needs, and was given up"),
            _ when exitCode is Crashed or Aborted => throw new StorageException(
                StorageErrorKind.Io, _name, $"crashed its worker, which ended with {exitCode}: please report it ({await _complaint})"),
            _ => throw new StorageException(
                StorageErrorKind.Io, _name, $"its worker ended with {exitCode} and no answer; if nobody ended it, please report it ({await _complaint})"),
        };
    }

    private async Task<string?> PumpedAsync(WorkerMessage answer)
        => _pump is null ? null : answer.Error is null ? await _pump.EndAsync() : _pump.Failure is null ? null : throw _pump.Failure;

    // What it says before its answer. Saying the same again is no progress.
    private bool Take(WorkerRun run, WorkerMessage message, CancellationTokenSource silence, CancellationToken ended)
    {
        if (message.Wants is ByteRange wanted && _feed is not null)
        {
            run.Serving = ServeAsync(run, wanted, silence, ended);
            return true;
        }

        if (message.Safe is ByteSize safe)
        {
            run.Safe(safe);
            return true;
        }

        if (message.Started is TimeSpan started)
        {
            // Told before it looks at the image. What it says later is not believed.
            _started = _started == default ? started : _started;
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
    private async Task ServeAsync(WorkerRun run, ByteRange wanted, CancellationTokenSource silence, CancellationToken ended)
    {
        Task before = run.Serving;
        silence.CancelAfter(Timeout.InfiniteTimeSpan);
        try
        {
            await before;
            await _feed!.ServeAsync(wanted, ended);
            silence.CancelAfter(s_silence);
        }
        catch
        {
            _idle.Child.Kill();
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

    /// <summary>Who hears what it says before an answer.</summary>
    private sealed record WorkerRun
    {
        /// <summary>Told how far it is.</summary>
        public required Action<WorkerProgress> Progress { get; init; }

        /// <summary>Told how much of an import survives a crash.</summary>
        public required Action<ByteSize> Safe { get; init; }

        /// <summary>What of its image is being passed on to it.</summary>
        public Task Serving { get; set; } = Task.CompletedTask;

        /// <summary>What it said last.</summary>
        public WorkerProgress? Last { get; set; }
    }
}
