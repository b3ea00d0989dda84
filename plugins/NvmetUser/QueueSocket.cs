using System.Net;
using System.Net.Sockets;
using Tmds.Linux;

namespace EveStorage.NvmetUser;

/// <summary>A connection's socket and an eventfd(2) by which others wake its thread. Only that thread receives, sends and closes.</summary>
internal sealed unsafe class QueueSocket : IDisposable
{
    /// <summary>Nothing is there now.</summary>
    internal const int Again = -1;

    /// <summary>The host is gone.</summary>
    internal const int Closed = 0;

    private readonly Lock _gate = new();
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly int _event;
    private bool _closed;

    internal QueueSocket(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;

        // A host without keep alive that lost its power says nothing: let TCP find out.
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        _socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
        Remote = (IPEndPoint)socket.RemoteEndPoint!;
        Local = (IPEndPoint)socket.LocalEndPoint!;
        _descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        _event = LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC);
        if (_event < 0)
        {
            throw new StorageException(StorageErrorKind.Io, $"{Remote}", $"eventfd: errno {LibC.errno}");
        }
    }

    /// <summary>The host's end.</summary>
    internal IPEndPoint Remote { get; }

    /// <summary>Our end.</summary>
    internal IPEndPoint Local { get; }

    /// <summary>Receives what is there: a count, <see cref="Closed"/> or <see cref="Again"/>.</summary>
    internal int Receive(Span<byte> target)
    {
        fixed (byte* start = target)
        {
            while (true)
            {
                long count = LibC.recv(_descriptor, start, target.Length, LibC.MSG_DONTWAIT);
                if (count >= 0)
                {
                    return (int)count;
                }

                int error = LibC.errno;
                if (error != LibC.EINTR)
                {
                    return error == LibC.EAGAIN ? Again : Closed;
                }
            }
        }
    }

    /// <summary>Sends all of <paramref name="bytes"/>; false when the host is gone, or takes nothing for <paramref name="stall"/>.</summary>
    internal bool Send(ReadOnlySpan<byte> bytes, TimeSpan stall)
    {
        fixed (byte* start = bytes)
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                long count = LibC.send(_descriptor, start + sent, bytes.Length - sent, LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
                if (count >= 0)
                {
                    sent += (int)count;
                    continue;
                }

                int error = LibC.errno;
                if (error == LibC.EAGAIN ? !WaitToSend((int)stall.TotalMilliseconds) : error != LibC.EINTR)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Sleeps until something came, someone woke us, or the time is over; -1 is for ever.</summary>
    internal void Wait(bool forInput, int milliseconds)
    {
        pollfd* waits = stackalloc pollfd[2];
        waits[0] = new() { fd = _event, events = LibC.POLLIN };
        waits[1] = new() { fd = _descriptor, events = LibC.POLLIN };
        _ = LibC.poll(waits, forInput ? 2u : 1u, milliseconds);
        if (waits[0].revents != 0)
        {
            ulong count;
            LibC.read(_event, &count, sizeof(ulong));
        }
    }

    /// <summary>Ends a <see cref="Wait"/>, this one or the next. From any thread.</summary>
    internal void Wake()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                ulong one = 1;
                LibC.write(_event, &one, sizeof(ulong));
            }
        }
    }

    /// <summary>Says that no more comes from us, and reads what the host still sends, so that it sees our last words and no reset.</summary>
    internal void Finish(TimeProvider time)
    {
        _ = LibC.shutdown(_descriptor, LibC.SHUT_WR);
        Span<byte> rest = stackalloc byte[4096];
        long start = time.GetTimestamp();
        while (time.GetElapsedTime(start).TotalMilliseconds is double waited and < Limits.LingerMilliseconds)
        {
            int count = Receive(rest);
            if (count == Closed)
            {
                return;
            }

            if (count == Again)
            {
                Wait(forInput: true, Limits.LingerMilliseconds - (int)waited);
            }
        }
    }

    /// <summary>Cuts the connection, so that its thread finds it closed. From any thread.</summary>
    internal void Cut()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _ = LibC.shutdown(_descriptor, LibC.SHUT_RDWR);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _closed = true;
                _ = LibC.close(_event);
                _socket.Dispose();
            }
        }
    }

    private bool WaitToSend(int milliseconds)
    {
        pollfd wait = new() { fd = _descriptor, events = LibC.POLLOUT };
        return LibC.poll(&wait, 1, milliseconds) > 0;
    }
}
