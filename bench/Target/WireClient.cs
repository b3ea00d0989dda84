using System.Net.Sockets;

namespace EveStorage.Bench.Target;

/// <summary>What a client takes out of received bytes.</summary>
internal enum Taken
{
    /// <summary>Nothing: more bytes are needed.</summary>
    Nothing,

    /// <summary>Something that ends no request.</summary>
    Part,

    /// <summary>The end of a request.</summary>
    Completed,
}

/// <summary>
/// One connection to a block server. A protocol says how requests are written and answers are read; the loop that drives
/// both is the same, so that what differs in a table is the server.
/// </summary>
internal abstract class WireClient(Socket socket) : IDisposable
{
    /// <summary>The connection, blocking.</summary>
    protected Socket Socket { get; } = socket;

    /// <summary>Whether something has arrived.</summary>
    internal bool HasAnswers => Socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Writes a read request; its answer carries <paramref name="tag"/>.</summary>
    /// <returns>How many bytes of <paramref name="target"/> it took.</returns>
    internal abstract int WriteRead(Span<byte> target, ushort tag, long offset, int length);

    /// <summary>Writes a write request with its data, or without where the protocol asks for them later.</summary>
    /// <returns>How many bytes of <paramref name="target"/> it took.</returns>
    internal abstract int WriteWrite(Span<byte> target, ushort tag, long offset, ReadOnlySpan<byte> data);

    /// <summary>Takes one message from the start of <paramref name="received"/>.</summary>
    /// <param name="received">What has arrived and was not taken yet.</param>
    /// <param name="data">The data that a server may ask for.</param>
    /// <param name="answer">Where to write what the server asked for.</param>
    /// <param name="consumed">How many bytes the message took.</param>
    /// <param name="answered">How many bytes of <paramref name="answer"/> were written.</param>
    /// <param name="tag">The request that ended.</param>
    internal abstract Taken Take(ReadOnlySpan<byte> received, ReadOnlySpan<byte> data, Span<byte> answer, out int consumed, out int answered, out ushort tag);

    /// <inheritdoc/>
    public virtual void Dispose() => Socket.Dispose();

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    internal void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Socket.Send(bytes)..];
        }
    }

    /// <summary>Receives what there is, at least one byte.</summary>
    internal int Receive(Span<byte> target)
        => Socket.Receive(target) is int received and > 0 ? received : throw new IOException("the server closed the connection");

    /// <summary>Receives exactly <paramref name="target"/>.</summary>
    protected void ReceiveAll(Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            target = target[Receive(target)..];
        }
    }

    /// <summary>Connects to a port of the loopback address.</summary>
    protected static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect("127.0.0.1", port);
        return socket;
    }
}
