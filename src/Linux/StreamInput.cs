using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Reads a pipe or a socket to its end, one reader at a time. A read that waits can be ended by another thread.</summary>
/// <param name="handle">What is read. It stays the caller's.</param>
/// <param name="subject">What it is, for messages.</param>
public sealed unsafe class StreamInput(SafeFileHandle handle, string subject) : IDisposable
{
    // The most that any user may have by default: pipe(7).
    private const int Capacity = 1 << 20;

    private readonly StopEvent _stop = new(subject);

    /// <summary>Has a pipe hold more at a time, so that its two ends wait for each other less often. What is none stays as it is.</summary>
    public void Widen() => Widen(handle);

    /// <summary>Reads what comes next: at least one byte; 0 at the end, and once <see cref="Stop"/> was called.</summary>
    /// <exception cref="StorageException">Reading failed.</exception>
    public int Read(Span<byte> target)
    {
        using Descriptor descriptor = new(handle);
        fixed (byte* start = target)
        {
            while (_stop.WaitFor(descriptor, LibC.POLLIN, subject))
            {
                long count = LibC.read(descriptor, start, target.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                if (LibC.errno != LibC.EINTR && LibC.errno != LibC.EAGAIN)
                {
                    throw Errno.Failure(subject, "read");
                }
            }
        }

        return 0;
    }

    /// <summary>Ends reading, now and for ever. From any thread.</summary>
    public void Stop() => _stop.Set();

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    internal static void Widen(SafeFileHandle pipe)
    {
        using Descriptor descriptor = new(pipe);
        _ = LibC.fcntl(descriptor, OwnCalls.F_SETPIPE_SZ, Capacity);
    }
}
