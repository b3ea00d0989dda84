namespace EveStorage.NvmeOf;

// How a controller comes up, in the order a Linux host does it: NVMe base specification 2.0, "Controller Initialization".
public sealed partial class NvmeTcpInitiator
{
    private const uint DisableFlowControl = 1 << 2;   // CATTR

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        ushort controller = await ConnectQueueAsync(_admin, 0, AdminDepth, ConnectData.AnyController, cancellationToken);
        ulong capabilities = await GetPropertyAsync(ControllerProperty.Capabilities, large: true, cancellationToken);
        await SetPropertyAsync(ControllerProperty.Configuration, ControllerProperty.EnabledConfiguration, cancellationToken);
        while (true)
        {
            ulong status = await GetPropertyAsync(ControllerProperty.Status, large: false, cancellationToken);
            if ((status & ControllerProperty.Fatal) != 0)
            {
                throw new StorageException(StorageErrorKind.Io, _options.Subject, "the controller could not be enabled");
            }

            if ((status & ControllerProperty.Ready) != 0)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken);
        }

        byte[] identity = new byte[ControllerIdentity.Size];
        await AdminAsync("identify", NvmeCommand.Identify(IdentifyStructure.Controller, 0), identity, default, cancellationToken);
        Controller = ControllerIdentity.Read(identity);
        await SubscribeAsync(cancellationToken);
        if (_options.Queues > 0)
        {
            await ConnectQueuesAsync(controller, (int)(capabilities & 0xFFFF) + 1, cancellationToken);
        }

        _background = Task.WhenAll([KeepAliveAsync(), .. Enumerable.Range(0, ControllerIdentity.AsyncEventLimit).Select(_ => ReceiveEventsAsync())]);
    }

    private async Task ConnectQueuesAsync(ushort controller, int maxDepth, CancellationToken cancellationToken)
    {
        uint asked = (uint)(_options.Queues - 1) * 0x10001;   // NCQR and NSQR, from 0
        NvmeCommand command = new() { Opcode = (byte)AdminOpcode.SetFeatures, Dword10 = (uint)Feature.NumberOfQueues, Dword11 = asked };
        ulong granted = await AdminAsync("number of queues", command, default, default, cancellationToken);
        int count = Math.Min(_options.Queues, (int)(granted & 0xFFFF) + 1);
        int depth = Math.Clamp(_options.QueueDepth, 2, maxDepth);
        for (int id = 1; id <= count; id++)
        {
            InitiatorQueue queue = await InitiatorQueue.OpenAsync(_options, depth, Math.Min(Controller.InCapsuleData, MaxInCapsule), cancellationToken);
            _queues.Add(queue);
            await ConnectQueueAsync(queue, id, depth, controller, cancellationToken);
        }
    }

    private async Task<ushort> ConnectQueueAsync(InitiatorQueue queue, int id, int depth, ushort controller, CancellationToken cancellationToken)
    {
        byte[] data = new byte[ConnectData.Size];
        new ConnectData(_options.HostId, controller, $"{_options.Subsystem}", $"{_options.Host}").Write(data);
        NvmeCommand connect = new()
        {
            Opcode = (byte)AdminOpcode.Fabrics,
            NamespaceId = (uint)FabricsType.Connect,
            Dword10 = (uint)id << 16,
            Dword11 = (uint)(depth - 1) | (_options.DisableFlowControl ? DisableFlowControl << 16 : 0),
            Dword12 = id == 0 ? (uint)_options.KeepAlive.TotalMilliseconds : 0,
        };
        CompletionEntry end = await queue.SubmitAsync(connect, default, data, _time.GetTimestamp(), cancellationToken);
        if (!end.Status.IsSuccess)
        {
            throw new NvmeCommandException(_options.Subject, "connect", end.Status);
        }

        if ((end.Result & ConnectData.AuthenticationRequired) != 0)
        {
            await AuthenticateAsync(queue, cancellationToken);
        }
        else if (_options.ControllerSecret is not null)
        {
            throw new StorageException(StorageErrorKind.Unavailable, _options.Subject, "does not ask for a key, and so does not prove the controller's");
        }

        return (ushort)end.Result;
    }

    private Task AuthenticateAsync(InitiatorQueue queue, CancellationToken cancellationToken)
    {
        return new HostAuthentication(_options, SendAsync, ReceiveAsync).RunAsync();

        async Task SendAsync(byte[] message)
        {
            CompletionEntry end = await queue.SubmitAsync(
                NvmeCommand.Authentication(FabricsType.AuthenticationSend, message.Length), default, message, _time.GetTimestamp(), cancellationToken);
            Succeeded("authentication send", end);
        }

        async Task<byte[]> ReceiveAsync()
        {
            byte[] message = new byte[ControllerAuthentication.MaxMessage];
            CompletionEntry end = await queue.SubmitAsync(
                NvmeCommand.Authentication(FabricsType.AuthenticationReceive, message.Length), message, default, _time.GetTimestamp(), cancellationToken);
            Succeeded("authentication receive", end);
            return message;
        }
    }

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        if (Controller.Events != 0)
        {
            NvmeCommand command = new() { Opcode = (byte)AdminOpcode.SetFeatures, Dword10 = (uint)Feature.AsyncEventConfiguration, Dword11 = Controller.Events };
            await AdminAsync("asynchronous events", command, default, default, cancellationToken);
        }
    }

    private async Task ReceiveEventsAsync()
    {
        try
        {
            while (true)
            {
                NvmeCommand command = new() { Opcode = (byte)AdminOpcode.AsyncEventRequest };
                CompletionEntry end = await _admin.SubmitAsync(command, default, default, started: 0, _end.Token).AsTask().WaitAsync(_end.Token);
                if (!end.Status.IsSuccess)
                {
                    return;   // the controller takes fewer of them
                }

                _events.Writer.TryWrite(AsyncEvent.Of((uint)end.Result));
            }
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            _events.Writer.TryComplete();
        }
    }

    // One clock for both: a sign of life, and whether the target gives any.
    private async Task KeepAliveAsync()
    {
        TimeSpan period = _options.KeepAlive > TimeSpan.Zero && _options.KeepAlive < _options.Timeout ? _options.KeepAlive : _options.Timeout;
        using PeriodicTimer timer = new(period / 3, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                long oldest = _time.GetTimestamp() - (long)(_options.Timeout.TotalSeconds * _time.TimestampFrequency);
                foreach (InitiatorQueue queue in _queues.Append(_admin))
                {
                    queue.FailIfOlder(oldest);
                }

                if (_options.KeepAlive > TimeSpan.Zero)
                {
                    await AdminAsync("keep alive", new() { Opcode = (byte)AdminOpcode.KeepAlive }, default, default, _end.Token);
                }
            }
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            _events.Writer.TryComplete(e as StorageException);
        }
    }
}
