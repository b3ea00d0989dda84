namespace EveStorage.Host.Worker;

/// <summary>
/// An image that comes as a stream. What is passed over is kept in a spool, where there is one, so that offsets may go back;
/// what was read is not, since each byte is needed once. Not safe for calls at once.
/// </summary>
internal sealed class StreamSource(Stream stream, string name) : IImageSource, IDisposable
{
    // What was read last stays at hand: a header is looked at before it is parsed, and compressed clusters share sectors.
    private const int WindowLength = 4 << 20;
    private const int SectorLength = 512;
    private const int Step = 1 << 20;

    private readonly byte[] _window = new byte[2 * WindowLength];
    private readonly Lock _reading = new();
    private long _windowStart;
    private int _windowLength;
    private long _consumed;
    private long _lastEnd;
    private SparseTarget? _spool;
    private ByteSize _spoolSize;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public long? Length { get; private set; }

    /// <inheritdoc/>
    public bool CanSeek => _spool is not null;

    /// <summary>Told of bytes that were passed over.</summary>
    internal Action<long> Passed { get; set; } = static _ => { };

    /// <summary>How many they are.</summary>
    internal long PassedLength { get; private set; }

    private long Position => _windowStart + _windowLength;

    /// <summary>Holds it to a length that somebody said it has.</summary>
    internal void Announce(long length) => Length = length;

    /// <summary>Keeps from now on what is passed over.</summary>
    internal void SpoolTo(SparseTarget spool, ByteSize size)
    {
        _spool = spool;
        _spoolSize = size;
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => new(Read(offset, destination.Span, cancellationToken));

    /// <inheritdoc cref="ReadAsync"/>
    internal int Read(long offset, Span<byte> destination, CancellationToken cancellationToken)
    {
        Span<byte> target = Length is long all ? destination[..(int)Math.Clamp(all - offset, 0, destination.Length)] : destination;
        int read = 0;
        if (offset < _windowStart)
        {
            int kept = (int)Math.Min(target.Length, _windowStart - offset);
            (_spool ?? throw new StorageException(StorageErrorKind.NotSupported, name, $"needs what lies at {offset} and has passed: write it to a file first"))
                .Read(offset, target[..kept]);
            read = kept;
        }

        cancellationToken.ThrowIfCancellationRequested();
        PassTo(offset + read, cancellationToken);
        while (read < target.Length)
        {
            long at = offset + read;
            if (at >= Position && !Fill())
            {
                break;
            }

            int taken = (int)Math.Min(target.Length - read, Position - at);
            Window(at, taken).CopyTo(target[read..]);
            read += taken;
            _consumed = Math.Max(_consumed, offset + read);
        }

        _lastEnd = offset + read;
        return Length is long said && read < target.Length
            ? throw new StorageException(StorageErrorKind.Corrupt, name, $"ends at {offset + read}, and {said} bytes were announced: it was cut short")
            : read;
    }

    /// <summary>Looks at the first bytes, which are still to be read; gives back how many there are.</summary>
    internal int Peek(Span<byte> target)
    {
        while (Position < target.Length && Fill())
        {
        }

        int length = (int)Math.Min(target.Length, Position);
        Window(0, length).CopyTo(target);
        return length;
    }

    /// <summary>Keeps the last sector that was read: the next compressed cluster may begin in it.</summary>
    internal void KeepEnd()
    {
        long end = Math.Min(_lastEnd, Position);   // a read beyond the stream's end got less
        long start = Math.Max(_windowStart, end - SectorLength);
        if (start < end)
        {
            Spool(start, Window(start, (int)(end - start)));
        }
    }

    /// <summary>Reads what is left and drops it; gives back how much that was, which is more than <paramref name="most"/> where it goes on. A wrapped stream checks itself at its end.</summary>
    internal long Drain(long most, CancellationToken cancellationToken)
    {
        _spool = null;
        long start = _consumed;
        PassTo(start + most + 1, cancellationToken);
        return _consumed - start;
    }

    /// <summary>
    /// Lets go of the stream, where nobody reads it. A copy that fails leaves the one who reads for it behind, since a pipe may keep that one
    /// waiting for ever. What unwraps is native, and does not know that its memory is in use: taken from under it, it ends the process.
    /// </summary>
    public void Dispose()
    {
        if (_reading.TryEnter())
        {
            try
            {
                stream.Dispose();
            }
            finally
            {
                _reading.Exit();
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void PassTo(long offset, CancellationToken cancellationToken)
    {
        while (_consumed < offset && (_consumed < Position || Fill()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            int passed = (int)(Math.Min(Position, offset) - _consumed);
            Spool(_consumed, Window(_consumed, passed));
            _consumed += passed;
            PassedLength += passed;
            Passed(passed);
        }
    }

    private ReadOnlySpan<byte> Window(long offset, int length) => _window.AsSpan((int)(offset - _windowStart), length);

    private void Spool(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_spool is null)
        {
            return;
        }

        if (offset > _spoolSize.Bytes - bytes.Length)
        {
            throw new StorageException(StorageErrorKind.NotSupported, name, $"goes on beyond {_spoolSize} before all that it needs has come: write it to a file first");
        }

        _spool.Write(offset, bytes);
    }

    // All that is in the window has been consumed by then, or fits.
    private bool Fill()
    {
        if (_windowLength > _window.Length - Step)
        {
            int dropped = _windowLength - WindowLength;
            _window.AsSpan(dropped, WindowLength).CopyTo(_window);
            _windowStart += dropped;
            _windowLength = WindowLength;
        }

        lock (_reading)
        {
            int read = Unwrapping.Read(stream, _window.AsSpan(_windowLength, Step), name);
            _windowLength += read;
            return read > 0;
        }
    }
}
