using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Reads a pipe or a socket to its end, one reader at a time. A read that waits can be ended by another thread.</summary>
public sealed unsafe class StreamInput : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SafeFileHandle _handle;
    private readonly string _subject;
    private readonly SafeFileHandle _event;
    private bool _disposed;

    /// <summary>Reads <paramref name="handle"/>, which stays the caller's.</summary>
    /// <exception cref="StorageException">There are no descriptors left.</exception>
    public StreamInput(SafeFileHandle handle, string subject)
    {
        _handle = handle;
        _subject = subject;
        _event = new(LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC), ownsHandle: true);
        if (_event.IsInvalid)
        {
            throw Errno.Failure(subject, "eventfd");
        }
    }

    /// <summary>Reads what comes next: at least one byte; 0 at the end, and once <see cref="Stop"/> was called.</summary>
    /// <exception cref="StorageException">Reading failed.</exception>
    public int Read(Span<byte> target)
    {
        using Descriptor descriptor = new(_handle);
        using Descriptor stop = new(_event);
        pollfd* waits = stackalloc pollfd[2];
        fixed (byte* start = target)
        {
            while (true)
            {
                waits[0] = new() { fd = stop, events = LibC.POLLIN };
                waits[1] = new() { fd = descriptor, events = LibC.POLLIN };
                if (LibC.poll(waits, 2, -1) < 0 && LibC.errno != LibC.EINTR)
                {
                    throw Errno.Failure(_subject, "poll");
                }

                if (waits[0].revents != 0)
                {
                    return 0;
                }

                long count = waits[1].revents == 0 ? -1 : LibC.read(descriptor, start, target.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                if (waits[1].revents != 0 && LibC.errno != LibC.EINTR && LibC.errno != LibC.EAGAIN)
                {
                    throw Errno.Failure(_subject, "read");
                }
            }
        }
    }

    /// <summary>Ends reading, now and for ever. From any thread.</summary>
    public void Stop()
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

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _event.Dispose();
        }
    }
}
