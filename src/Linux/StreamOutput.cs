using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Writes a pipe or a socket, one writer at a time. A write that waits for its reader can be ended by another thread.</summary>
/// <param name="handle">What is written. It stays the caller's.</param>
/// <param name="subject">What it is, for messages.</param>
public sealed unsafe class StreamOutput(SafeFileHandle handle, string subject) : IDisposable
{
    // PIPE_BUF: a pipe that can be written has room for as much, and more could wait for its reader where nothing ends it.
    private const int MostAtOnce = 4096;

    private readonly StopEvent _stop = new(subject);
    private bool _waits;   // has no writes that don't wait: pipes before Linux 6.4, and terminals

    /// <summary>Writes all of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Io"/>: nobody reads it any more.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Stop"/> was called.</exception>
    public void Write(ReadOnlySpan<byte> source)
    {
        using Descriptor descriptor = new(handle);
        fixed (byte* start = source)
        {
            for (int done = 0; done < source.Length;)
            {
                if (!_stop.WaitFor(descriptor, LibC.POLLOUT, subject))
                {
                    throw new OperationCanceledException();
                }

                long count = WriteSome(descriptor, start + done, source.Length - done);
                if (count >= 0)
                {
                    done += (int)count;
                }
                else if (LibC.errno == LibC.EOPNOTSUPP && !_waits)
                {
                    _waits = true;
                }
                else if (LibC.errno == LibC.EPIPE)
                {
                    throw new StorageException(StorageErrorKind.Io, subject, "has no reader any more, before its end");
                }
                else if (LibC.errno != LibC.EINTR && LibC.errno != LibC.EAGAIN)
                {
                    throw Errno.Failure(subject, "write");
                }
            }
        }
    }

    /// <summary>Has a pipe hold more at a time, so that its two ends wait for each other less often. What is none stays as it is.</summary>
    public void Widen() => StreamInput.Widen(handle);

    private long WriteSome(int descriptor, byte* start, int length)
    {
        if (_waits)
        {
            return LibC.write(descriptor, start, Math.Min(MostAtOnce, length));
        }

        OwnCalls.IoVector vector = new() { Base = start, Length = (nuint)length };
        return OwnCalls.PWriteV2(descriptor, &vector, 1, -1, OwnCalls.RWF_NOWAIT);   // -1: where it is
    }

    /// <summary>Ends writing, now and for ever. From any thread.</summary>
    public void Stop() => _stop.Set();

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();
}
