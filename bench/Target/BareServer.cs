using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Bench.Target;

/// <summary>
/// A server of one file that checks nothing: NBD's simple replies from a thread for each connection, which receives all that has come,
/// reads or writes the file, and answers all of it by one send. What it reaches is about what the kernel's TCP and cache leave to any;
/// one that does not sleep may still answer a lone request sooner.
/// </summary>
internal static class BareServer
{
    private const int RequestLength = 28;
    private const int ReplyLength = 16;
    private const int MostSent = 1 << 20;

    /// <summary>Serves until it is killed.</summary>
    internal static void Run(int port, string file)
    {
        using SafeFileHandle disk = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen();
        while (true)
        {
            Socket socket = listener.Accept();
            socket.NoDelay = true;
            new Thread(() => ServeGuarded(socket, disk)) { IsBackground = true }.Start();
        }
    }

    private static void ServeGuarded(Socket socket, SafeFileHandle disk)
    {
        using (socket)
        {
            try
            {
                Negotiate(socket, RandomAccess.GetLength(disk));
                Serve(socket, disk);
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
                // its client is done
            }
        }
    }

    // As much of NBD's negotiation (NetworkBlockDevice/nbd, doc/proto.md) as NbdClient says and reads.
    private static void Negotiate(Socket socket, long size)
    {
        byte[] greeting = new byte[18];
        Encoding.ASCII.GetBytes("NBDMAGICIHAVEOPT", greeting);
        BinaryPrimitives.WriteUInt16BigEndian(greeting.AsSpan(16), 3);
        socket.Send(greeting);
        byte[] go = new byte[4 + 16 + 4];
        ReceiveAll(socket, go);
        ReceiveAll(socket, new byte[BinaryPrimitives.ReadUInt32BigEndian(go.AsSpan(20)) + 2]);
        byte[] replies = new byte[20 + 12 + 20];
        WriteOptionReply(replies, type: 3, length: 12);
        BinaryPrimitives.WriteUInt64BigEndian(replies.AsSpan(22), (ulong)size);
        BinaryPrimitives.WriteUInt16BigEndian(replies.AsSpan(30), 1);
        WriteOptionReply(replies.AsSpan(32), type: 1, length: 0);
        socket.Send(replies);
    }

    private static void WriteOptionReply(Span<byte> target, uint type, uint length)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, 0x0003E889045565A9);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], 7);   // NBD_OPT_GO
        BinaryPrimitives.WriteUInt32BigEndian(target[12..], type);
        BinaryPrimitives.WriteUInt32BigEndian(target[16..], length);
    }

    private static void Serve(Socket socket, SafeFileHandle disk)
    {
        byte[] input = new byte[2 << 20];
        byte[] output = new byte[MostSent + (256 << 10)];
        int received = 0;
        while (true)
        {
            int count = socket.Receive(input.AsSpan(received));
            received += count > 0 ? count : throw new EndOfStreamException();
            int at = 0;
            int toSend = 0;
            while (received - at >= RequestLength)
            {
                ReadOnlySpan<byte> request = input.AsSpan(at, received - at);
                bool writes = request[7] == 1;
                long offset = BinaryPrimitives.ReadInt64BigEndian(request[16..]);
                int length = BinaryPrimitives.ReadInt32BigEndian(request[24..]);
                if (writes && request.Length < RequestLength + length)
                {
                    break;
                }

                Span<byte> reply = output.AsSpan(toSend);
                BinaryPrimitives.WriteUInt32BigEndian(reply, 0x67446698);
                BinaryPrimitives.WriteUInt32BigEndian(reply[4..], 0);
                request.Slice(8, 8).CopyTo(reply[8..]);
                if (writes)
                {
                    RandomAccess.Write(disk, request.Slice(RequestLength, length), offset);
                }
                else
                {
                    RandomAccess.Read(disk, reply.Slice(ReplyLength, length), offset);
                }

                at += RequestLength + (writes ? length : 0);
                toSend += ReplyLength + (writes ? 0 : length);
                if (toSend >= MostSent)
                {
                    SendAll(socket, output.AsSpan(0, toSend));
                    toSend = 0;
                }
            }

            SendAll(socket, output.AsSpan(0, toSend));
            input.AsSpan(at, received - at).CopyTo(input);
            received -= at;
        }
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    private static void ReceiveAll(Socket socket, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            int count = socket.Receive(target);
            target = count > 0 ? target[count..] : throw new EndOfStreamException();
        }
    }
}
