using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>A connection before its Connect, which makes it an admin or an I/O queue. NVMe base specification 2.0, "Connect command".</summary>
internal sealed class UnconnectedQueue(QueueConnection connection, Target target) : CommandQueue
{
    private const uint InData = 1 << 16;   // IATTR: the parameter lies in the data, not in the command
    private const int QueueIdAt = 42;
    private const int QueueSizeAt = 44;
    private const int MinAdminSize = 32;

    internal override TimeSpan? Silence => TimeSpan.FromSeconds(target.Options.HandshakeSeconds);

    internal override void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        if (entry.Opcode != (byte)AdminOpcode.Fabrics || entry.FabricsType != FabricsType.Connect)
        {
            connection.Respond(entry.CommandId, NvmeStatus.CommandSequenceError);
            return;
        }

        uint result = 0;
        NvmeStatus status = entry.Sgl.Identifier != Sgl.InCapsule ? NvmeStatus.SglTypeInvalid
            : entry.Sgl.Length != ConnectData.Size || data.Length != ConnectData.Size ? NvmeStatus.DataLengthInvalid
            : (entry.Dword10 & 0xFFFF) != 0 ? NvmeStatus.ConnectIncompatibleFormat
            : Connect(entry, ConnectData.Read(data.Span), out result);
        connection.Respond(entry.CommandId, status, result);
    }

    internal override void End()
    {
    }

    private NvmeStatus Connect(SubmissionEntry entry, ConnectData connect, out uint result)
    {
        int queueId = (int)(entry.Dword10 >> 16);
        int size = (int)(entry.Dword11 & 0xFFFF) + 1;
        bool flowControl = (entry.Dword11 & (1 << 18)) == 0;   // CATTR bit 2
        int smallest = queueId == 0 ? MinAdminSize : 2;
        if (size < smallest || size > Math.Max(target.Options.QueueDepth, MinAdminSize))
        {
            result = QueueSizeAt;
            return NvmeStatus.ConnectInvalidParameters;
        }

        return queueId == 0
            ? ConnectAdmin(connect, TimeSpan.FromMilliseconds(entry.Dword12), size, flowControl, out result)
            : ConnectIo(connect, queueId, size, flowControl, out result);
    }

    private NvmeStatus ConnectAdmin(ConnectData connect, TimeSpan keepAlive, int size, bool flowControl, out uint result)
    {
        result = InData | ConnectData.ControllerIdAt;
        if (connect.ControllerId != ConnectData.AnyController)
        {
            return NvmeStatus.ConnectInvalidParameters;
        }

        if (keepAlive > TimeSpan.FromSeconds(target.Options.MaxKeepAliveSeconds))
        {
            return NvmeStatus.KeepAliveInvalid;
        }

        if (target.Refuses(connect, connection.Remote, out bool unknown))
        {
            result = InData | (uint)(unknown ? ConnectData.SubsystemAt : ConnectData.HostAt);
            return unknown ? NvmeStatus.ConnectInvalidParameters : NvmeStatus.ConnectInvalidHost;
        }

        ControllerAuthentication? exchange = target.ExchangeWith(connect);
        Controller controller = target.AddController(connect, connection, needsProof: exchange is not null);
        Become(controller, exchange, new AdminQueue(connection, target, controller, keepAlive), size, flowControl, out result);
        return NvmeStatus.Success;
    }

    private NvmeStatus ConnectIo(ConnectData connect, int queueId, int size, bool flowControl, out uint result)
    {
        result = InData | ConnectData.ControllerIdAt;
        Controller? controller = target.FindController(connect.ControllerId);
        if (controller is null || controller.Host != connect.Host || controller.HostId != connect.HostId || controller.Subsystem != connect.Subsystem)
        {
            return NvmeStatus.ConnectInvalidParameters;
        }

        if (controller.IsDiscovery || queueId > controller.MaxQueues)
        {
            result = QueueIdAt;
            return NvmeStatus.ConnectInvalidParameters;
        }

        if (!controller.Registers.IsReady)
        {
            return NvmeStatus.CommandSequenceError;
        }

        // What the controller had to prove its queues have to, though its host may be allowed no more by now.
        ControllerAuthentication? exchange = target.ExchangeWith(connect);
        if (controller.NeedsProof != exchange is not null)
        {
            result = InData | ConnectData.HostAt;
            return NvmeStatus.ConnectInvalidHost;
        }

        if (target.Buffers.TryRent(Limits.QueueBuffer) is not PageBuffer input)
        {
            return NvmeStatus.ConnectBusy;
        }

        if (target.Buffers.TryRent(Limits.QueueBuffer) is not PageBuffer output)
        {
            target.Buffers.Return(input);
            return NvmeStatus.ConnectBusy;
        }

        IoQueue queue = new(connection, target, controller, queueId, size);
        if (!controller.TryAdd(queueId, connection))
        {
            target.Buffers.Return(input);
            target.Buffers.Return(output);
            return NvmeStatus.CommandSequenceError;
        }

        target.Buffers.Return(connection.Input.Move(input));
        target.Buffers.Return(connection.Output.Move(output));
        Become(controller, exchange, queue, size, flowControl, out result);
        return NvmeStatus.Success;
    }

    // Each queue is proven by itself, since each is a connection that anybody may have made.
    private void Become(Controller controller, ControllerAuthentication? exchange, CommandQueue queue, int size, bool flowControl, out uint result)
    {
        result = controller.Id;
        connection.NoteCommand();
        if (exchange is not null)
        {
            connection.Become(new AuthenticatingQueue(connection, target, controller, queue, exchange), size, flowControl);
            result |= ConnectData.AuthenticationRequired;
            return;
        }

        connection.Become(queue, size, flowControl);
        target.NoteProven(controller, connection);
    }
}
