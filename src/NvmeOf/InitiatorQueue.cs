using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;

namespace EveStorage.NvmeOf;

/// <summary>A queue of the initiator: one connection, with a loop that receives and one that sends what is asked for by R2T.</summary>
internal sealed class InitiatorQueue : IAsyncDisposable
{
    private readonly NvmeTcpOptions _options;
    private readonly InitiatorSocket _socket;
    private readonly InitiatorSender _sender;
    private readonly InitiatorReceiver _receiver;
    private readonly PendingCommand[] _commands;
    private readonly ConcurrentStack<PendingCommand> _free;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _loops;
    private StorageException? _failure;

    private InitiatorQueue(NvmeTcpOptions options, InitiatorSocket socket, InitializeConnection agreed, int depth, int inCapsule)
    {
        _options = options;
        _socket = socket;
        _commands = [.. Enumerable.Range(0, depth).Select(i => new PendingCommand((ushort)i))];
        _free = new(_commands);
        _places = new(depth);
        _sender = new(socket, agreed, inCapsule);
        Channel<TransferHeader> transfers = Channel.CreateUnbounded<TransferHeader>(new() { SingleReader = true });
        _receiver = new(options.Subject, socket, _commands, agreed.Digests, transfers.Writer);
        _loops = Task.WhenAll(GuardAsync(_receiver.RunAsync), GuardAsync(() => SendDataAsync(transfers.Reader)));
    }

    /// <summary>Connects, and agrees on digests. It is no queue until the Connect command.</summary>
    internal static async Task<InitiatorQueue> OpenAsync(NvmeTcpOptions options, int depth, int inCapsule, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        InitiatorSocket bytes = new(socket);
        try
        {
            await socket.ConnectAsync(options.Address, options.Port, cancellationToken);
            using CancellationTokenRegistration cut = cancellationToken.Register(socket.Dispose);
            byte[] request = new byte[PduHeader.InitializeSize];
            new InitializeConnection(0, 0, options.Digests, 0).Write(request, PduType.InitializeRequest);
            await bytes.SendAsync(request);
            await bytes.FillAsync(PduHeader.InitializeSize);
            InitializeConnection agreed = Agreed(bytes.Available, options);
            bytes.Skip(PduHeader.InitializeSize);
            return new(options, bytes, agreed, depth, inCapsule);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException or StorageException)
        {
            bytes.Dispose();
            throw e as StorageException ?? new StorageException(StorageErrorKind.Unavailable, options.Subject, $"no connection: {e.Message}", e);
        }
    }

    /// <summary>Sends a command and waits for its end, whatever that is. Once sent it is not given up before its time.</summary>
    /// <param name="command">The command.</param>
    /// <param name="destination">Where data that it reads goes.</param>
    /// <param name="data">The data that it writes.</param>
    /// <param name="started">The time, for its time-out; 0 for none.</param>
    /// <param name="cancellationToken">Cancels waiting for a place in the queue.</param>
    internal async ValueTask<CompletionEntry> SubmitAsync(
        NvmeCommand command, Memory<byte> destination, ReadOnlyMemory<byte> data, long started, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        PendingCommand pending = _free.TryPop(out PendingCommand? place) ? place : throw new InvalidOperationException("A place was counted that is not there.");
        try
        {
            ValueTask<CompletionEntry> end = pending.Start(destination, data, started);
            await SendAsync(pending, command);
            if (Volatile.Read(ref _failure) is StorageException failure)
            {
                pending.End(failure);
            }

            CompletionEntry completion = await end;
            return pending.Damaged ? completion with { Status = NvmeStatus.TransientTransportError } : completion;
        }
        finally
        {
            _free.Push(pending);
            _places.Release();
        }
    }

    /// <summary>Gives the connection up when a command has waited since before <paramref name="oldest"/>.</summary>
    internal void FailIfOlder(long oldest)
    {
        if (Array.Exists(_commands, c => c.IsActive && c.Started != 0 && c.Started < oldest))
        {
            Fail(new(StorageErrorKind.Unavailable, _options.Subject, $"no answer for {_options.Timeout.TotalSeconds:0} s"));
        }
    }

    /// <summary>Cuts the connection; what is on its way fails.</summary>
    public async ValueTask DisposeAsync()
    {
        Fail(new(StorageErrorKind.Unavailable, _options.Subject, "disconnected"));
        await _loops;
    }

    private static InitializeConnection Agreed(ReadOnlySpan<byte> pdu, NvmeTcpOptions options)
    {
        PduHeader header = PduHeader.Read(pdu);
        InitializeConnection agreed = InitializeConnection.Read(pdu);
        bool fits = agreed is { FormatVersion: 0, DataAlignment: 0, Limit: >= InitializeConnection.MinHostData } && agreed.Digests == options.Digests;
        return header.Type == PduType.InitializeResponse && fits
            ? agreed
            : throw new StorageException(StorageErrorKind.NotSupported, options.Subject, $"answered with {header.Type} and {agreed}");
    }

    // A loop of its own: the receiving one must go on, or both sides could wait for each other with full buffers.
    private async Task SendDataAsync(ChannelReader<TransferHeader> transfers)
    {
        await foreach (TransferHeader asked in transfers.ReadAllAsync(_end.Token))
        {
            ReadOnlyMemory<byte> data = _commands[asked.CommandId].Data;
            if (data.Length - (long)asked.Offset < asked.Length)
            {
                throw new StorageException(StorageErrorKind.Corrupt, _options.Subject, "asked for data that the command has not");
            }

            await _sender.SendAsync(asked, data.Slice((int)asked.Offset, (int)asked.Length), _end.Token);
        }
    }

    private async ValueTask SendAsync(PendingCommand pending, NvmeCommand command)
    {
        try
        {
            await _sender.SendAsync(pending, command, _end.Token);
        }
        catch (Exception e) when (IsLoss(e))
        {
            Fail(Lost(e));
        }
    }

    private async Task GuardAsync(Func<Task> loop)
    {
        try
        {
            await loop();
        }
        catch (Exception e) when (IsLoss(e))
        {
            Fail(Lost(e));
        }
    }

    private static bool IsLoss(Exception e)
        => e is SocketException or IOException or ObjectDisposedException or OperationCanceledException or StorageException;

    private StorageException Lost(Exception e)
        => e as StorageException ?? new StorageException(StorageErrorKind.Unavailable, _options.Subject, $"connection lost: {e.Message}", e);

    private void Fail(StorageException failure)
    {
        StorageException first = Interlocked.CompareExchange(ref _failure, failure, null) ?? failure;
        _end.Cancel();
        _socket.Dispose();
        foreach (PendingCommand command in _commands)
        {
            command.End(first);
        }
    }
}
