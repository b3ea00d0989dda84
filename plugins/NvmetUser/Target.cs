using System.Net;
using System.Net.Sockets;
using EveStorage.NvmeOf;
using Microsoft.Extensions.Logging;

namespace EveStorage.NvmetUser;

/// <summary>The target: what it serves, who is connected, and what both may use.</summary>
internal sealed partial class Target : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<QueueConnection> _connections = [];
    private readonly Dictionary<ushort, Controller> _controllers = [];
    private readonly TargetEvents _events;
    private readonly ILogger _logger;
    private Listener? _listener;
    private ushort _lastController;
    private bool _stopping;

    internal Target(NvmetUserOptions options, PluginServices services)
    {
        Options = options;
        Time = services.Time;
        Keys = services.Keys;
        Buffers = new(options.BufferMemory);
        Workers = new(this);
        _events = new(services);
        _logger = services.Loggers.CreateLogger<Target>();
    }

    internal NvmetUserOptions Options { get; }

    internal TimeProvider Time { get; }

    /// <summary>Where keys come from; null for nowhere.</summary>
    internal IKeyProvider? Keys { get; }

    internal BufferPool Buffers { get; }

    /// <summary>The threads that wait for devices.</summary>
    internal Workers Workers { get; }

    /// <summary>Those of its queues that don't sleep.</summary>
    internal AwakeQueues Awake { get; } = new(Environment.ProcessorCount);

    /// <summary>For tests: how a thread begins.</summary>
    internal Action<Thread> StartThread { get; set; } = static thread => thread.Start();

    /// <summary>What is served.</summary>
    internal ExportTable Exports { get; } = new();

    /// <summary>Where it listens; null as long as nothing was exported.</summary>
    internal IPEndPoint? Address => _listener?.Address;

    /// <summary>How many connections there are.</summary>
    internal int ConnectionCount
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Begins to listen, once.</summary>
    internal void Listen()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _listener ??= new(this);
        }
    }

    /// <summary>Takes a connection, or closes it when there are too many.</summary>
    internal void Add(Socket socket)
    {
        PageBuffer? input = Buffers.TryRent(Limits.AdminBuffer);
        PageBuffer? output = Buffers.TryRent(Limits.AdminBuffer);
        QueueConnection? connection = null;
        try
        {
            lock (_gate)
            {
                if (input is not null && output is not null && !_stopping && _connections.Count < Options.MaxConnections)
                {
                    connection = new(this, socket, input, output);
                    _connections.Add(connection);
                }
            }
        }
        catch (Exception e) when (e is StorageException or SocketException)
        {
            // No descriptor for its eventfd, which is one too many, like beyond our own limit; or its host has gone already.
        }

        if (connection is null)
        {
            socket.Dispose();
            _events.Report("host.refused", "target", $"a connection more than {nameof(NvmetUserOptions.MaxConnections)} or {nameof(NvmetUserOptions.BufferMemory)} allow");
            Return(input);
            Return(output);
        }
        else if (!connection.TryStart())
        {
            _events.Report("host.refused", "target", "a connection more than this process may have threads; raise its limit of tasks, or lower MaxConnections");
        }
    }

    /// <summary>Starts a thread; false when the system gives none.</summary>
    internal bool TryStart(Thread thread)
    {
        try
        {
            StartThread(thread);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)   // pthread_create(3): EAGAIN comes as either
        {
            LogNoThread(thread.Name!, e);
            return false;
        }
    }

    /// <summary>A connection's thread has ended.</summary>
    internal void Remove(QueueConnection connection)
    {
        Return(connection.Input.Buffer);
        Return(connection.Output.Buffer);
        lock (_gate)
        {
            _connections.Remove(connection);
        }
    }

    /// <summary>A host sent what can't be.</summary>
    internal void NoteTermination(QueueConnection connection, Termination why) => LogTerminated(connection.Remote, why.Reason, why.Information);

    /// <summary>A connection ended for a reason that is ours.</summary>
    internal void NoteFailure(QueueConnection connection, Exception failure) => LogConnectionFailed(connection.Remote, failure);

    /// <summary>Ends what hosts are doing, and closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        Listener? listener;
        lock (_gate)
        {
            _stopping = true;
            listener = _listener;
        }

        if (listener is not null)
        {
            await listener.DisposeAsync();
        }

        // I/O queues first: without its admin queue a controller's others are cut, and answers would be lost.
        await EndAsync(static c => c.Queue is IoQueue, static c => c.Stop(), TimeSpan.FromSeconds(10));
        await EndAsync(static _ => true, static c => c.Stop(), TimeSpan.FromSeconds(2));
        await EndAsync(static _ => true, static c => c.Cut(), TimeSpan.FromSeconds(5));
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(10), Time);
        foreach (Export export in Exports.All)
        {
            Exports.Remove(export);
            try
            {
                await export.Volume.CloseAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                LogStillBusy(export.Spec.Subject);   // its device answers no more: the process's end closes it
            }
        }
    }

    private async Task EndAsync(Func<QueueConnection, bool> which, Action<QueueConnection> how, TimeSpan limit)
    {
        QueueConnection[] connections;
        lock (_gate)
        {
            connections = [.. _connections.Where(which)];
        }

        Array.ForEach(connections, how);
        await Task.WhenAny(Task.WhenAll(connections.Select(c => c.Ended)), Task.Delay(limit, Time, CancellationToken.None));
    }

    private void Return(PageBuffer? buffer)
    {
        if (buffer is not null)
        {
            Buffers.Return(buffer);
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Remote}: the connection failed")]
    private partial void LogConnectionFailed(IPEndPoint remote, Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Subject}: commands are in it still; left open")]
    private partial void LogStillBusy(string subject);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name}: no thread for it")]
    private partial void LogNoThread(string name, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Remote}: terminated for {Reason} ({Information})")]
    private partial void LogTerminated(IPEndPoint remote, TerminationReason reason, uint information);
}
