using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>A host that sends whatever a test wants, byte by byte, and looks at every PDU that comes back.</summary>
internal sealed class RawHost : IDisposable
{
    private readonly Socket _socket;
    private readonly PduDigests _digests;

    private RawHost(Socket socket, PduDigests digests) => (_socket, _digests) = (socket, digests);

    internal bool HeaderDigest => _digests.HasFlag(PduDigests.Header);

    internal static async Task<RawHost> OpenAsync(TestTarget target, PduDigests digests = PduDigests.None)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
        await socket.ConnectAsync(target.Target.Address!);
        return new(socket, digests);
    }

    /// <summary>A connection that has said ICReq and been answered.</summary>
    internal static async Task<RawHost> InitializedAsync(TestTarget target, PduDigests digests = PduDigests.None, byte alignment = 0)
    {
        RawHost host = await OpenAsync(target, digests);
        host.Send(Initialize(digests, alignment));
        InitializeConnection agreed = InitializeConnection.Read((await host.ReadPduAsync())!);
        agreed.Digests.ShouldBe(digests);
        return host;
    }

    /// <summary>An admin queue.</summary>
    internal static async Task<RawHost> AdminAsync(TestTarget target, PduDigests digests = PduDigests.None, uint keepAlive = 0)
    {
        RawHost host = await InitializedAsync(target, digests);
        (await host.ConnectAsync(0, 32, ConnectData.AnyController, keepAlive)).Status.ShouldBe(NvmeStatus.Success);
        return host;
    }

    /// <summary>An I/O queue, with the admin queue that it needs.</summary>
    internal static async Task<(RawHost Admin, RawHost Io)> IoAsync(TestTarget target, PduDigests digests = PduDigests.None, byte alignment = 0, int size = 32)
    {
        RawHost admin = await InitializedAsync(target);
        CompletionEntry connected = await admin.ConnectAsync(0, 32, ConnectData.AnyController);
        await admin.RunAsync(new() { Opcode = (byte)AdminOpcode.Fabrics, Dword11 = ControllerProperty.Configuration, Dword12 = ControllerProperty.EnabledConfiguration });
        RawHost io = await InitializedAsync(target, digests, alignment);
        (await io.ConnectAsync(1, size, (ushort)connected.Result)).Status.ShouldBe(NvmeStatus.Success);
        return (admin, io);
    }

    internal static byte[] Initialize(PduDigests digests = PduDigests.None, byte alignment = 0)
    {
        byte[] pdu = new byte[PduHeader.InitializeSize];
        new InitializeConnection(0, alignment, digests, 0).Write(pdu, PduType.InitializeRequest);
        return pdu;
    }

    internal async Task<CompletionEntry> ConnectAsync(int queue, int size, ushort controller, uint keepAlive = 0, HostNqn? host = null, Nqn? subsystem = null)
    {
        byte[] data = new byte[ConnectData.Size];
        new ConnectData(Guid.Empty, controller, $"{subsystem ?? TestTarget.Subsystem}", $"{host ?? TestTarget.Host}").Write(data);
        return await RunAsync(ConnectCommand(queue, size, keepAlive), data);
    }

    internal static NvmeCommand ConnectCommand(int queue, int size, uint keepAlive = 0) => new()
    {
        Opcode = (byte)AdminOpcode.Fabrics,
        NamespaceId = (uint)FabricsType.Connect,
        Dword10 = (uint)queue << 16,
        Dword11 = (uint)(size - 1) | (4 << 16),
        Dword12 = keepAlive,
    };

    /// <summary>Runs a command with its data in the capsule; its answer has to be a response.</summary>
    internal async Task<CompletionEntry> RunAsync(NvmeCommand command, byte[]? data = null)
    {
        Send(Capsule(command, 7, data ?? [], data is null ? new(0, 0, Sgl.ByTransport) : new(0, (uint)data.Length, Sgl.InCapsule)));
        byte[] answer = (await ReadPduAsync())!;
        PduHeader.Read(answer).Type.ShouldBe(PduType.Response);
        return CompletionEntry.Read(answer.AsSpan(PduHeader.Size));
    }

    internal byte[] Capsule(NvmeCommand command, ushort id, byte[] data, Sgl sgl)
    {
        byte[] header = new byte[PduHeader.CommandSize];
        command.Write(header.AsSpan(PduHeader.Size), id, sgl);
        return Pdu(PduType.Command, PduBits.None, header, data);
    }

    internal byte[] HostData(TransferHeader transfer, byte[] data, bool last = true)
    {
        byte[] header = new byte[PduHeader.TransferSize];
        transfer.Write(header);
        return Pdu(PduType.HostData, last ? PduBits.Last : PduBits.None, header, data);
    }

    internal void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    /// <summary>The next PDU; null when the target closed the connection.</summary>
    internal async Task<byte[]?> ReadPduAsync()
    {
        byte[] header = new byte[PduHeader.Size];
        if (!await FillAsync(header))
        {
            return null;
        }

        byte[] pdu = new byte[PduHeader.Read(header).Length];
        header.CopyTo(pdu, 0);
        return await FillAsync(pdu.AsMemory(PduHeader.Size)) ? pdu : null;
    }

    /// <summary>The termination request that has to come next, and then the end of the connection.</summary>
    internal async Task<Termination> ReadTerminationAsync()
    {
        byte[] pdu = (await ReadPduAsync()).ShouldNotBeNull();
        PduHeader.Read(pdu).Type.ShouldBe(PduType.ControllerTermination);
        (await ReadPduAsync()).ShouldBeNull();
        return Termination.Read(pdu);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<bool> FillAsync(Memory<byte> target)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(15));
        while (target.Length > 0)
        {
            try
            {
                int count = await _socket.ReceiveAsync(target, limit.Token);
                if (count == 0)
                {
                    return false;
                }

                target = target[count..];
            }
            catch (SocketException)
            {
                return false;
            }
        }

        return true;
    }

    private byte[] Pdu(PduType type, PduBits bits, byte[] header, byte[] data)
    {
        bool digestsData = _digests.HasFlag(PduDigests.Data) && data.Length > 0;
        int offset = header.Length + (HeaderDigest ? 4 : 0);
        byte[] pdu = new byte[offset + data.Length + (digestsData ? 4 : 0)];
        header.CopyTo(pdu, 0);
        bits |= (HeaderDigest ? PduBits.HeaderDigest : 0) | (digestsData ? PduBits.DataDigest : 0);
        new PduHeader(type, bits, (byte)header.Length, data.Length > 0 ? (byte)offset : (byte)0, (uint)pdu.Length).Write(pdu);
        if (HeaderDigest)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(pdu.AsSpan(header.Length), Crc32C.Of(pdu.AsSpan(0, header.Length)));
        }

        data.CopyTo(pdu, offset);
        if (digestsData)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(pdu.AsSpan(offset + data.Length), Crc32C.Of(data));
        }

        return pdu;
    }
}
