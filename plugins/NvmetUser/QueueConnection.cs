using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using EveStorage.Linux;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>
/// One TCP connection with a thread of its own: it receives all that has come, handles every PDU in it, and sends all answers
/// at once. Then it looks again for a moment before it sleeps.
/// </summary>
internal sealed class QueueConnection : IDisposable
{
    private readonly Target _target;
    private readonly PolledSocket _socket;
    private readonly PduReader _reader;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _spin;
    private CommandQueue _queue;
    private long _lastCommand;
    private long _lastReceived;
    private int _news;
    private int _sleeping;
    private int _stopping;
    private int _queueHead = -1;
    private int _queueSize;

    internal QueueConnection(Target target, Socket socket, PageBuffer input, PageBuffer output)
    {
        _target = target;
        Remote = (IPEndPoint)socket.RemoteEndPoint!;
        Local = (IPEndPoint)socket.LocalEndPoint!;
        _socket = new(socket, $"{Remote}");
        Output = new(_socket, output, TimeSpan.FromSeconds(target.Options.StallSeconds), target.Time);
        Input = new(input);
        _reader = new(this);
        _queue = new UnconnectedQueue(this, target);
        _spin = target.Options.SpinMicroseconds * Stopwatch.Frequency / 1_000_000;
        _lastCommand = _lastReceived = target.Time.GetTimestamp();
        _thread = new(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = $"nvmet {Remote}" };
    }

    /// <summary>The host's end.</summary>
    internal IPEndPoint Remote { get; }

    /// <summary>Our end.</summary>
    internal IPEndPoint Local { get; }

    /// <summary>What is received.</summary>
    internal PduInput Input { get; }

    /// <summary>What is sent.</summary>
    internal PduOutput Output { get; }

    /// <summary>What it is.</summary>
    internal CommandQueue Queue => _queue;

    /// <summary>What it did.</summary>
    internal IoCounters Counters { get; } = new();

    /// <summary>Ends when its thread has.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>Whether flow control of the submission queue is off, so that a read needs no response of its own.</summary>
    internal bool SkipsResponses => _queueHead < 0;

    /// <summary>Whether more has come than was received. On its thread.</summary>
    internal bool HasInput => _socket.HasInput;

    /// <summary>Whether this runs on its thread.</summary>
    internal bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    /// <summary>Begins; false when there is no thread for it, and then it is over.</summary>
    internal bool TryStart()
    {
        if (_target.TryStart(_thread))
        {
            return true;
        }

        Dispose();
        _target.Remove(this);
        _ended.SetResult();
        return false;
    }

    /// <summary>Lets the thread look for news. From any thread.</summary>
    internal void Wake()
    {
        Volatile.Write(ref _news, 1);
        if (Interlocked.Exchange(ref _sleeping, 0) != 0)
        {
            _socket.Wake();
        }
    }

    /// <summary>Takes no more commands, ends those it has, and closes. From any thread.</summary>
    internal void Stop()
    {
        Volatile.Write(ref _stopping, 1);
        Wake();
    }

    /// <summary>Closes at once, but for commands that are being run. From any thread.</summary>
    internal void Cut()
    {
        Stop();
        _socket.Cut();
    }

    /// <summary>Closes it; its own thread does.</summary>
    public void Dispose() => _socket.Dispose();

    /// <summary>Becomes a queue of <paramref name="size"/> commands.</summary>
    internal void Become(CommandQueue queue, int size, bool flowControl)
    {
        (_queue, _queueSize, _queueHead) = (queue, size, flowControl ? 0 : -1);
    }

    /// <summary>Becomes another kind of queue, with the commands and the size it has.</summary>
    internal void Become(CommandQueue queue) => _queue = queue;

    /// <summary>Ends a command.</summary>
    internal void Respond(ushort commandId, NvmeStatus status, ulong result = 0)
        => Output.AddResponse(new(result, NextHead(), commandId, status));

    /// <summary>Ends a command that read <paramref name="data"/>.</summary>
    internal void Respond(ushort commandId, ReadOnlySpan<byte> data)
    {
        Output.AddData(commandId, data, SkipsResponses);
        if (!SkipsResponses)
        {
            Respond(commandId, NvmeStatus.Success);
        }
    }

    /// <summary>Notes that a command came, for the keep alive timer.</summary>
    internal void NoteCommand() => _lastCommand = _target.Time.GetTimestamp();

    /// <summary>Notes that the host was asked for data, which it has all its time to send.</summary>
    internal void NoteAsked() => _lastReceived = _target.Time.GetTimestamp();

    /// <summary>Notes why the connection ends.</summary>
    internal void NoteTermination(Termination why) => _target.NoteTermination(this, why);

    private ushort NextHead()
    {
        if (_queueHead < 0)
        {
            return 0xFFFF;
        }

        _queueHead = (_queueHead + 1) % _queueSize;
        return (ushort)_queueHead;
    }

    private void Run()
    {
        _target.Awake.Enter();
        try
        {
            ServeGuarded();
            while (_queue.IsBusy)
            {
                Sleep(forInput: false, Timeout.Infinite);
                Volatile.Write(ref _news, 0);
                _queue.TakeNews();
            }

            Output.Send();
            if (!Output.Failed)
            {
                _socket.Finish(Limits.Linger, _target.Time);
            }
        }
        finally
        {
            _target.Awake.Leave();
            _queue.End();
            Dispose();
            _target.Remove(this);
            _ended.SetResult();
        }
    }

    // What a stranger sends must never end more than its own connection: these are what code that reads bytes fails with.
    private void ServeGuarded()
    {
        try
        {
            Serve();
        }
        catch (Exception e) when (e is StorageException or SocketException or ObjectDisposedException or ArgumentException or IndexOutOfRangeException
            or InvalidOperationException or ArithmeticException or CryptographicException or OutOfMemoryException)
        {
            _target.NoteFailure(this, e);
        }
    }

    private void Serve()
    {
        long spinUntil = 0;
        while (Volatile.Read(ref _stopping) == 0)
        {
            int received = _reader.Receive(_socket);
            if (received == PolledSocket.Closed)
            {
                return;
            }

            bool news = Interlocked.Exchange(ref _news, 0) != 0 || _queue.Pause <= TimeSpan.Zero;
            if (received > 0)
            {
                _lastReceived = _target.Time.GetTimestamp();
            }

            if (news)
            {
                _queue.TakeNews();
            }

            if (received > 0 || news)
            {
                if (!_reader.HandleAll() || !Output.Send())
                {
                    return;
                }

                spinUntil = _spin == 0 ? 0 : Stopwatch.GetTimestamp() + _spin;
            }
            else if (!Spins(spinUntil) && !Rest())
            {
                return;
            }
        }
    }

    // A thread that was woken beside it on this processor is not counted yet: it goes first.
    private bool Spins(long until)
    {
        if (_spin == 0 || !_target.Awake.MaySpin || Stopwatch.GetTimestamp() >= until)
        {
            return false;
        }

        Thread.Yield();
        return true;
    }

    // Sleeps until there is something to do; false when the host has been silent for too long.
    private bool Rest()
    {
        int milliseconds = Timeout.Infinite;
        if (Deadline() is TimeSpan left)
        {
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            milliseconds = (int)Math.Min(left.TotalMilliseconds + 1, int.MaxValue);
        }

        if (_queue.Pause is TimeSpan pause && (milliseconds < 0 || pause.TotalMilliseconds < milliseconds))
        {
            milliseconds = Math.Max(0, (int)Math.Ceiling(pause.TotalMilliseconds));
        }

        Sleep(_reader.WantsInput, milliseconds);
        return true;
    }

    private void Sleep(bool forInput, int milliseconds)
    {
        bool waitsForUs = WaitsForUs;
        Interlocked.Exchange(ref _sleeping, 1);
        if (Volatile.Read(ref _news) == 0)
        {
            _target.Awake.Leave();
            _socket.Wait(forInput, milliseconds);
            _target.Awake.Enter();
        }

        Interlocked.Exchange(ref _sleeping, 0);
        _lastReceived = waitsForUs ? _target.Time.GetTimestamp() : _lastReceived;
    }

    // Whether nothing is received because commands are not done: their host is not to blame for that time.
    private bool WaitsForUs => !_reader.WantsInput && _queue.HasWork;

    private TimeSpan? Deadline()
    {
        TimeSpan? left = _queue.Silence is TimeSpan silence ? silence - _target.Time.GetElapsedTime(_lastCommand) : null;
        if ((!_reader.IsBetweenPdus || _queue.AwaitsData) && !WaitsForUs)
        {
            TimeSpan stall = TimeSpan.FromSeconds(_target.Options.StallSeconds) - _target.Time.GetElapsedTime(_lastReceived);
            left = left < stall ? left : stall;
        }

        return left;
    }
}
