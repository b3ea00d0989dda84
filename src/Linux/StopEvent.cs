using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Wakes whoever waits for a pipe or a socket, and keeps it from waiting again. It is set from any thread, once disposed in vain.</summary>
internal sealed unsafe class StopEvent : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SafeFileHandle _event;
    private bool _disposed;

    internal StopEvent(string subject)
    {
        _event = new(LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC), ownsHandle: true);
        if (_event.IsInvalid)
        {
            throw Errno.Failure(subject, "eventfd");
        }
    }

    /// <summary>Waits until the descriptor has one of <paramref name="events"/>, or has failed.</summary>
    /// <returns>Whether it has; else this was set.</returns>
    internal bool WaitFor(int descriptor, short events, string subject)
    {
        using Descriptor stop = new(_event);
        pollfd* waits = stackalloc pollfd[2];
        while (true)
        {
            waits[0] = new() { fd = stop, events = LibC.POLLIN };
            waits[1] = new() { fd = descriptor, events = events };
            if (LibC.poll(waits, 2, -1) < 0 && LibC.errno != LibC.EINTR)
            {
                throw Errno.Failure(subject, "poll");
            }

            if (waits[0].revents != 0)
            {
                return false;
            }

            if (waits[1].revents != 0)
            {
                return true;
            }
        }
    }

    internal void Set()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                using Descriptor stop = new(_event);
                ulong one = 1;
                LibC.write(stop, &one, sizeof(ulong));
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _event.Dispose();
        }
    }
}
