using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace EveStorage.Bench.Target;

/// <summary>NBD with fixed newstyle negotiation and simple replies (NetworkBlockDevice/nbd, doc/proto.md).</summary>
internal sealed class NbdClient : WireClient
{
    private const uint RequestMagic = 0x25609513;
    private const uint SimpleReplyMagic = 0x67446698;
    private const int RequestLength = 28;
    private const int ReplyLength = 16;

    // Lengths of the reads under way: a simple reply does not say how much follows it.
    private readonly int[] _readLengths = new int[ushort.MaxValue + 1];

    private NbdClient(Socket socket)
        : base(socket)
    {
    }

    /// <summary>Connects to the export <paramref name="name"/>.</summary>
    internal static NbdClient Open(int port, string name)
    {
        NbdClient client = new(Connect(port));
        client.Negotiate(name);
        return client;
    }

    private void Negotiate(string name)
    {
        // "NBDMAGIC", "IHAVEOPT", handshake flags; then our flags: fixed newstyle, no zeroes.
        Span<byte> greeting = stackalloc byte[18];
        ReceiveAll(greeting);
        byte[] go = new byte[4 + 16 + 4 + name.Length + 2];
        BinaryPrimitives.WriteUInt32BigEndian(go, 3);
        Encoding.ASCII.GetBytes("IHAVEOPT", go.AsSpan(4));
        BinaryPrimitives.WriteUInt32BigEndian(go.AsSpan(12), 7);   // NBD_OPT_GO
        BinaryPrimitives.WriteUInt32BigEndian(go.AsSpan(16), (uint)(4 + name.Length + 2));
        BinaryPrimitives.WriteUInt32BigEndian(go.AsSpan(20), (uint)name.Length);
        Encoding.ASCII.GetBytes(name, go.AsSpan(24));
        Send(go);
        byte[] header = new byte[20];
        while (true)
        {
            ReceiveAll(header);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
            ReceiveAll(new byte[BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16))]);
            if (type == 1)   // NBD_REP_ACK
            {
                return;
            }

            if (type != 3)   // NBD_REP_INFO
            {
                throw new IOException($"the NBD server refuses export {name} with {type:x}");
            }
        }
    }

    internal override int WriteRead(Span<byte> target, ushort tag, long offset, int length)
    {
        _readLengths[tag] = length;
        return WriteHeader(target, command: 0, tag, offset, length);
    }

    internal override int WriteWrite(Span<byte> target, ushort tag, long offset, ReadOnlySpan<byte> data)
    {
        _readLengths[tag] = 0;
        int header = WriteHeader(target, command: 1, tag, offset, data.Length);
        data.CopyTo(target[header..]);
        return header + data.Length;
    }

    internal override Taken Take(ReadOnlySpan<byte> received, ReadOnlySpan<byte> data, Span<byte> answer, out int consumed, out int answered, out ushort tag)
    {
        consumed = answered = 0;
        tag = 0;
        if (received.Length < ReplyLength)
        {
            return Taken.Nothing;
        }

        uint magic = BinaryPrimitives.ReadUInt32BigEndian(received);
        uint error = BinaryPrimitives.ReadUInt32BigEndian(received[4..]);
        if (magic != SimpleReplyMagic || error != 0)
        {
            throw new IOException($"the NBD server answered with error {error} and magic {magic:x}");
        }

        tag = (ushort)BinaryPrimitives.ReadUInt64BigEndian(received[8..]);
        int whole = ReplyLength + _readLengths[tag];
        if (received.Length < whole)
        {
            return Taken.Nothing;
        }

        consumed = whole;
        return Taken.Completed;
    }

    private static int WriteHeader(Span<byte> target, ushort command, ushort tag, long offset, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(target[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(target[6..], command);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], tag);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], (ulong)offset);
        BinaryPrimitives.WriteUInt32BigEndian(target[24..], (uint)length);
        return RequestLength;
    }
}
