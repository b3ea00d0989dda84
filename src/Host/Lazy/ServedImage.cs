using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Text.Json;
using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Lazy;

/// <summary>What an image's disk has at some place.</summary>
/// <param name="IsZero">Whether it is zero there; else the bytes were put where they were asked for.</param>
/// <param name="Length">How far.</param>
internal readonly record struct ImagePart(bool IsZero, long Length);

/// <summary>
/// A worker that reads an image on demand. It believes nothing of what comes: an answer has what was asked for, or ends it. With its
/// worker all that was asked of it ends; whoever needs more starts another.
/// </summary>
internal sealed class ServedImage : IAsyncDisposable
{
    // What many guests have under way; what is more waits here, and not in the worker's pipe.
    private const int MostAtOnce = 64;

    // Slower than any drive that works. A server has its own patience, and is waited for no longer than this either.
    private static readonly TimeSpan s_longestRead = TimeSpan.FromSeconds(30);

    private readonly AnonymousPipeServerStream _requests = new(PipeDirection.Out);
    private readonly AnonymousPipeServerStream _answers = new(PipeDirection.In);
    private readonly ConcurrentDictionary<uint, Asked> _asked = new();
    private readonly SemaphoreSlim _atOnce = new(MostAtOnce);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _one = new();
    private readonly string _name;
    private readonly Task _worker;
    private readonly Task _listening;
    private uint _last;

    private ServedImage(string name, ServingWorker worker)
    {
        _name = name;
        SafeFileHandle[] ends = [EndOf(_requests), EndOf(_answers)];
        _worker = RunAsync(worker, ends);
        _listening = ListenAsync();
    }

    /// <summary>Whether its worker has ended: by itself, as when nobody asked for a while, or for a reason.</summary>
    internal bool HasEnded => _worker.IsCompleted;

    /// <summary>Why its worker ended; null when it did so well, or was ended here.</summary>
    internal StorageException? Failure { get; private set; }

    /// <summary>A file that the worker needs first; null for none.</summary>
    internal OpenLink? Needs { get; private set; }

    /// <summary>Starts one. The image stays the caller's, who keeps it open.</summary>
    /// <exception cref="StorageException">There are no descriptors left.</exception>
    internal static ServedImage Start(ImageInput image, WorkerRequest request)
        => Start(image.Name, async (ends, end) => (await WorkerProcess.AskAsync(request, image, ends, static _ => { }, static _ => { }, end)).Answer);

    /// <summary>Starts one, and what answers it.</summary>
    internal static ServedImage Start(string name, ServingWorker worker) => FileCalls.Run(name, () => new ServedImage(name, worker));

    /// <summary>What the disk has from <paramref name="offset"/> on: at least one byte, and as many as were asked for at most, or as many zeros as <paramref name="most"/>.</summary>
    /// <exception cref="StorageException">The image has nothing there that could be read.</exception>
    /// <exception cref="ServedImageEndedException">The worker has ended.</exception>
    internal async Task<ImagePart> ReadAsync(long offset, Memory<byte> target, long most)
    {
        await _atOnce.WaitAsync();
        try
        {
            Asked asked = new(target, most);
            uint id = Interlocked.Increment(ref _last);
            _asked[id] = asked;
            Ask(new(id, offset, target.Length, most));
            return await asked.Answered.Task.WaitAsync(s_longestRead);
        }
        catch (Exception e) when (e is TimeoutException or IOException or ObjectDisposedException)
        {
            // It answers nothing, or takes no request any more. Only when it has ended nobody writes to a target any more: this one's, or another's.
            await DisposeAsync();
            throw new ServedImageEndedException();
        }
        finally
        {
            _atOnce.Release();
        }
    }

    /// <summary>Ends it, and all that was asked of it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _listening;
        await _worker;
    }

    private async Task RunAsync(ServingWorker worker, SafeFileHandle[] ends)
    {
        try
        {
            WorkerMessage answer = await worker(ends, _end.Token);
            Needs = answer.Needs;
            Failure = answer.Error?.ToException();
        }
        catch (StorageException e)
        {
            Failure = e;
        }
        catch (IOException e)
        {
            Failure = FileCalls.Failure(_name, e);   // no descriptor left for another pipe
        }
        catch (OperationCanceledException)
        {
            // it was ended here
        }
        finally
        {
            Array.ForEach(ends, static end => end.Dispose());   // who listens then hears the end
        }
    }

    private void Ask(ReadRequest request)
    {
        byte[] bytes = new byte[ReadRequest.Size];
        request.WriteTo(bytes);
        lock (_one)
        {
            _requests.Write(bytes);
        }
    }

    private async Task ListenAsync()
    {
        await Task.Factory.StartNew(Listen, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await _end.CancelAsync();   // one that says what can't be is heard no more
        await _worker;
        await _requests.DisposeAsync();
        await _answers.DisposeAsync();
        EndAll();
    }

    private void Listen()
    {
        try
        {
            byte[] head = new byte[ReadAnswer.Size];
            while (_answers.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && TryTake(ReadAnswer.Of(head)))
            {
            }
        }
        catch (IOException)
        {
            // it ended in the middle of an answer
        }
    }

    private bool TryTake(ReadAnswer answer)
    {
        if (!_asked.TryGetValue(answer.Id, out Asked? asked) || !asked.CanBe(answer))
        {
            return false;
        }

        StorageException? refused = null;
        if (answer.Kind == ReadKind.Data)
        {
            _answers.ReadExactly(asked.Target.Span[..(int)answer.Length]);
        }
        else if (answer.Kind == ReadKind.Refused)
        {
            refused = ReadRefusal((int)answer.Length);
        }

        _asked.TryRemove(answer.Id, out _);
        if (refused is null)
        {
            asked.Answered.TrySetResult(new(answer.Kind == ReadKind.Zero, answer.Length));
        }
        else
        {
            asked.Answered.TrySetException(refused);
        }

        return true;
    }

    private StorageException ReadRefusal(int length)
    {
        byte[] document = new byte[length];
        _answers.ReadExactly(document);
        try
        {
            return WorkerJson.ReadError(document).ToException();
        }
        catch (JsonException)
        {
            return Strange();
        }
    }

    private StorageException Strange() => new(StorageErrorKind.Corrupt, _name, "could not be read, and its worker said nothing of why");

    private void EndAll()
    {
        foreach (uint id in _asked.Keys)
        {
            if (_asked.TryRemove(id, out Asked? asked))
            {
                asked.Answered.TrySetException(new ServedImageEndedException());
            }
        }
    }

    private static SafeFileHandle EndOf(AnonymousPipeServerStream pipe)
    {
        SafeFileHandle end = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: true);
        pipe.ClientSafePipeHandle.SetHandleAsInvalid();
        return end;
    }

    private sealed class Asked(Memory<byte> target, long most)
    {
        internal Memory<byte> Target => target;

        internal TaskCompletionSource<ImagePart> Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal bool CanBe(ReadAnswer answer) => answer.Kind switch
        {
            ReadKind.Data => answer.Length >= 1 && answer.Length <= target.Length,
            ReadKind.Zero => answer.Length >= 1 && answer.Length <= Math.Max(most, target.Length),
            ReadKind.Refused => answer.Length >= 0 && answer.Length <= ReadAnswer.MaxRefusal,
            _ => false,
        };
    }
}

/// <summary>Reads an image for one who asks through two pipes, until that is ended.</summary>
/// <param name="ends">Where requests come from, and where answers go.</param>
/// <param name="end">Ends it.</param>
internal delegate Task<WorkerMessage> ServingWorker(SafeFileHandle[] ends, CancellationToken end);

/// <summary>The worker that was asked has ended.</summary>
internal sealed class ServedImageEndedException : Exception;
