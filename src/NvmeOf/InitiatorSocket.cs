using System.Net.Sockets;

namespace EveStorage.NvmeOf;

/// <summary>A connection's bytes: reads whole pieces out of one buffer, large data straight to where it belongs.</summary>
internal sealed class InitiatorSocket(Socket socket) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    /// <summary>What is there of the buffer.</summary>
    internal ReadOnlySpan<byte> Available => _buffer.AsSpan(_start.._end);

    /// <summary>Waits until <paramref name="count"/> bytes are there; far fewer than the buffer holds.</summary>
    internal async ValueTask FillAsync(int count)
    {
        if (_buffer.Length - _start < count)
        {
            Available.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        while (_end - _start < count)
        {
            _end += await ReceiveAsync(_buffer.AsMemory(_end));
        }
    }

    /// <summary>Takes <paramref name="count"/> bytes away.</summary>
    internal void Skip(int count)
    {
        _start += count;
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
    }

    /// <summary>Fills <paramref name="destination"/>.</summary>
    internal async ValueTask ReadAsync(Memory<byte> destination)
    {
        int buffered = Math.Min(destination.Length, _end - _start);
        Available[..buffered].CopyTo(destination.Span);
        Skip(buffered);
        for (destination = destination[buffered..]; destination.Length > 0;)
        {
            destination = destination[await ReceiveAsync(destination)..];
        }
    }

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    internal async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    public void Dispose() => socket.Dispose();

    private async ValueTask<int> ReceiveAsync(Memory<byte> destination)
    {
        int received = await socket.ReceiveAsync(destination);
        return received > 0 ? received : throw new IOException("the target closed the connection");
    }
}
