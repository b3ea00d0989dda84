using System.Net.Sockets;
using EveStorage.NvmeOf;

namespace EveStorage.Bench.Target;

/// <summary>One I/O queue over NVMe/TCP, without digests; the initiator of src/NvmeOf keeps the admin queue beside it.</summary>
internal sealed class NvmeClient : WireClient
{
    private const int Depth = 128;
    private const uint DisableFlowControl = 1 << 2;   // CATTR of Connect
    private const int SectorBits = 9;

    private readonly NvmeTcpInitiator _admin;
    private readonly int _queue;
    private readonly int _inCapsule;

    private NvmeClient(Socket socket, NvmeTcpInitiator admin, int queue)
        : base(socket)
    {
        _admin = admin;
        _queue = queue;
        _inCapsule = admin.Controller.InCapsuleData;
    }

    /// <summary>Connects as a host that is allowed, with as many queues. The first one's end ends the controller.</summary>
    internal static async Task<WireClient[]> OpenAsync(int port, Nqn subsystem, HostNqn host, int queues)
    {
        NvmeTcpOptions options = new() { Port = port, Subsystem = subsystem, Host = host, HostId = Guid.NewGuid(), Queues = 0 };
        NvmeTcpInitiator admin = await NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None);
        NvmeCommand asked = new() { Opcode = (byte)AdminOpcode.SetFeatures, Dword10 = (uint)Feature.NumberOfQueues, Dword11 = (uint)(queues - 1) * 0x10001 };
        await admin.SubmitAdminAsync(asked, default, default, CancellationToken.None);
        NvmeClient[] clients = [.. Enumerable.Range(1, queues).Select(queue => new NvmeClient(Connect(port), admin, queue))];
        Array.ForEach(clients, client => client.Start(options));
        return clients;
    }

    internal override int WriteRead(Span<byte> target, ushort tag, long offset, int length)
    {
        WriteCommand(target, IoOpcode.Read, tag, offset, length, new(0, (uint)length, Sgl.ByTransport));
        return PduHeader.CommandSize;
    }

    internal override int WriteWrite(Span<byte> target, ushort tag, long offset, ReadOnlySpan<byte> data)
    {
        bool inCapsule = data.Length <= _inCapsule;
        WriteCommand(target, IoOpcode.Write, tag, offset, data.Length, new(0, (uint)data.Length, inCapsule ? Sgl.InCapsule : Sgl.ByTransport), inCapsule);
        if (!inCapsule)
        {
            return PduHeader.CommandSize;
        }

        data.CopyTo(target[PduHeader.CommandSize..]);
        return PduHeader.CommandSize + data.Length;
    }

    internal override Taken Take(ReadOnlySpan<byte> received, ReadOnlySpan<byte> data, Span<byte> answer, out int consumed, out int answered, out ushort tag)
    {
        consumed = answered = 0;
        tag = 0;
        if (received.Length < PduHeader.Size)
        {
            return Taken.Nothing;
        }

        PduHeader header = PduHeader.Read(received);
        if (received.Length < header.Length)
        {
            return Taken.Nothing;
        }

        consumed = (int)header.Length;
        switch (header.Type)
        {
            case PduType.ControllerData:
                tag = TransferHeader.Read(received).CommandId;
                return header.Bits.HasFlag(PduBits.Success) ? Taken.Completed : Taken.Part;
            case PduType.Response:
                CompletionEntry end = CompletionEntry.Read(received[PduHeader.Size..]);
                tag = end.CommandId;
                return end.Status.IsSuccess ? Taken.Completed : throw new IOException($"the target answered {end.Status}");
            case PduType.ReadyToTransfer:
                answered = WriteData(answer, TransferHeader.Read(received), data);
                return Taken.Part;
            default:
                throw new IOException($"the target sent {header.Type}");
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        if (_queue == 1)
        {
            _admin.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private void Start(NvmeTcpOptions options)
    {
        byte[] initialize = new byte[PduHeader.InitializeSize];
        new InitializeConnection(0, 0, PduDigests.None, 0).Write(initialize, PduType.InitializeRequest);
        Send(initialize);
        ReceiveAll(initialize);

        byte[] connect = new byte[PduHeader.CommandSize + ConnectData.Size];
        new PduHeader(PduType.Command, PduBits.None, PduHeader.CommandSize, PduHeader.CommandSize, (uint)connect.Length).Write(connect);
        NvmeCommand command = new()
        {
            Opcode = (byte)AdminOpcode.Fabrics,
            NamespaceId = (uint)FabricsType.Connect,
            Dword10 = (uint)_queue << 16,
            Dword11 = (Depth - 1) | (DisableFlowControl << 16),
        };
        command.Write(connect.AsSpan(PduHeader.Size), 0, new(0, ConnectData.Size, Sgl.InCapsule));
        new ConnectData(options.HostId, _admin.Controller.ControllerId, $"{options.Subsystem}", $"{options.Host}").Write(connect.AsSpan(PduHeader.CommandSize));
        Send(connect);
        byte[] response = new byte[PduHeader.ResponseSize];
        ReceiveAll(response);
        if (CompletionEntry.Read(response.AsSpan(PduHeader.Size)) is { Status.IsSuccess: false } refused)
        {
            throw new IOException($"the target refused the queue: {refused.Status}");
        }
    }

    private static void WriteCommand(Span<byte> target, IoOpcode opcode, ushort tag, long offset, int length, Sgl sgl, bool withData = false)
    {
        byte dataOffset = withData ? (byte)PduHeader.CommandSize : (byte)0;
        uint whole = (uint)(PduHeader.CommandSize + (withData ? length : 0));
        new PduHeader(PduType.Command, PduBits.None, PduHeader.CommandSize, dataOffset, whole).Write(target);
        NvmeCommand.Blocks(opcode, 1, (ulong)offset >> SectorBits, length >> SectorBits).Write(target[PduHeader.Size..], tag, sgl);
    }

    private static int WriteData(Span<byte> target, TransferHeader asked, ReadOnlySpan<byte> data)
    {
        uint whole = PduHeader.TransferSize + asked.Length;
        new PduHeader(PduType.HostData, PduBits.Last, PduHeader.TransferSize, PduHeader.TransferSize, whole).Write(target);
        asked.Write(target);
        data.Slice((int)asked.Offset, (int)asked.Length).CopyTo(target[PduHeader.TransferSize..]);
        return (int)whole;
    }
}
