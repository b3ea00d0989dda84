using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A connected socket that one thread serves, and an eventfd(2) by which others wake it. Only that thread receives, sends and
/// closes. It allocates nothing.
/// </summary>
public sealed unsafe class PolledSocket : IDisposable
{
    /// <summary>Nothing is there now.</summary>
    public const int Again = -1;

    /// <summary>The other side is gone.</summary>
    public const int Closed = 0;

    private readonly Lock _gate = new();
    private readonly Socket _socket;
    private readonly SafeFileHandle _event;
    private bool _closed;

    /// <summary>Takes <paramref name="socket"/>, and closes it in the end.</summary>
    /// <exception cref="StorageException">There are no descriptors left; the socket is still the caller's.</exception>
    public PolledSocket(Socket socket, string subject)
    {
        _socket = socket;
        _event = new(LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC), ownsHandle: true);
        if (_event.IsInvalid)
        {
            throw Errno.Failure(subject, "eventfd");
        }
    }

    /// <summary>Whether there is something to receive, or the other side is gone.</summary>
    public bool HasInput
    {
        get
        {
            using Descriptor descriptor = new(_socket.SafeHandle);
            byte first;
            return LibC.recv(descriptor, &first, 1, LibC.MSG_DONTWAIT | LibC.MSG_PEEK) >= 0 || LibC.errno != LibC.EAGAIN;
        }
    }

    /// <summary>Receives what is there: a count, <see cref="Closed"/> or <see cref="Again"/>.</summary>
    public int Receive(Span<byte> target)
    {
        using Descriptor descriptor = new(_socket.SafeHandle);
        fixed (byte* start = target)
        {
            while (true)
            {
                long count = LibC.recv(descriptor, start, target.Length, LibC.MSG_DONTWAIT);
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

    /// <summary>Sends all of <paramref name="bytes"/>; false when the other side is gone, or has not taken them all in time.</summary>
    public bool Send(ReadOnlySpan<byte> bytes, TimeSpan limit, TimeProvider time)
    {
        using Descriptor descriptor = new(_socket.SafeHandle);
        long started = 0;
        fixed (byte* start = bytes)
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                long count = LibC.send(descriptor, start + sent, bytes.Length - sent, LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
                if (count >= 0)
                {
                    sent += (int)count;
                    continue;
                }

                int error = LibC.errno;
                if (error == LibC.EINTR)
                {
                    continue;
                }

                // One limit for all of it: a peer that takes a byte now and then must not hold its sender for ever.
                started = started == 0 ? time.GetTimestamp() : started;
                TimeSpan left = limit - time.GetElapsedTime(started);
                if (error != LibC.EAGAIN || left <= TimeSpan.Zero || !WaitToSend(descriptor, (int)left.TotalMilliseconds + 1))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Sleeps until something came, someone woke us, or the time is over; -1 is for ever.</summary>
    public void Wait(bool forInput, int milliseconds)
    {
        using Descriptor descriptor = new(_socket.SafeHandle);
        using Descriptor news = new(_event);
        pollfd* waits = stackalloc pollfd[2];
        waits[0] = new() { fd = news, events = LibC.POLLIN };
        waits[1] = new() { fd = descriptor, events = LibC.POLLIN };
        _ = LibC.poll(waits, forInput ? 2u : 1u, milliseconds);
        if (waits[0].revents != 0)
        {
            ulong count;
            LibC.read(news, &count, sizeof(ulong));
        }
    }

    /// <summary>Ends a <see cref="Wait"/>, this one or the next. From any thread.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                using Descriptor news = new(_event);
                ulong one = 1;
                LibC.write(news, &one, sizeof(ulong));
            }
        }
    }

    /// <summary>Says that no more comes from us, and reads what the other side still sends, so that it sees our last words and no reset.</summary>
    public void Finish(TimeSpan limit, TimeProvider time)
    {
        Shut(LibC.SHUT_WR);
        Span<byte> rest = stackalloc byte[4096];
        long start = time.GetTimestamp();
        while (limit - time.GetElapsedTime(start) is TimeSpan left && left > TimeSpan.Zero)
        {
            int count = Receive(rest);
            if (count == Closed)
            {
                return;
            }

            if (count == Again)
            {
                Wait(forInput: true, (int)left.TotalMilliseconds + 1);
            }
        }
    }

    /// <summary>Cuts the connection, so that its thread finds it closed. From any thread.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                Shut(LibC.SHUT_RDWR);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _event.Dispose();
            _socket.Dispose();
        }
    }

    private void Shut(int how)
    {
        using Descriptor descriptor = new(_socket.SafeHandle);
        _ = LibC.shutdown(descriptor, how);
    }

    private static bool WaitToSend(Descriptor descriptor, int milliseconds)
    {
        pollfd wait = new() { fd = descriptor, events = LibC.POLLOUT };
        return LibC.poll(&wait, 1, milliseconds) > 0;
    }
}
