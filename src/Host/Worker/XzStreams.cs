using SharpCompress.Compressors.Xz;

namespace EveStorage.Host.Worker;

/// <summary>
/// What is in an xz file: one stream or several behind each other, with zeros between them, as `xz` and those that compress in
/// parallel make it. The library reads one of them, and stops where it ends.
/// </summary>
internal sealed class XzStreams : Stream
{
    private readonly Source _source;
    private XZStream _stream;

    internal XzStreams(Stream source)
    {
        _source = new(source);
        _stream = new(_source);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        while (count > 0)
        {
            int read = _stream.Read(buffer, offset, count);
            if (read > 0)
            {
                return read;
            }

            if (!_source.SkipZeros())
            {
                return 0;
            }

            _stream = new(_source);
        }

        return 0;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    // The library takes single bytes, and only what is its stream's.
    private sealed class Source(Stream stream) : Stream
    {
        private readonly byte[] _buffer = new byte[1 << 16];
        private int _at;
        private int _length;
        private long _before;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        // The library aligns by it: streams and what is between them are multiples of four bytes.
        public override long Position
        {
            get => _before + _at;
            set => throw new NotSupportedException();
        }

        public override int ReadByte() => Fill() ? _buffer[_at++] : -1;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || !Fill())
            {
                return 0;
            }

            int read = Math.Min(buffer.Length, _length - _at);
            _buffer.AsSpan(_at, read).CopyTo(buffer);
            _at += read;
            return read;
        }

        /// <summary>Whether something is left that is not a zero.</summary>
        /// <exception cref="InvalidDataException">The zeros are no stream padding (2.2 of the xz file format).</exception>
        internal bool SkipZeros()
        {
            long start = Position;
            while (Fill() && _buffer[_at] == 0)
            {
                _at++;
            }

            return (Position - start) % 4 == 0 ? _at < _length : throw new InvalidDataException("Streams are not padded to four bytes.");
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                stream.Dispose();
            }

            base.Dispose(disposing);
        }

        private bool Fill()
        {
            if (_at == _length)
            {
                _before += _length;
                (_at, _length) = (0, stream.Read(_buffer));
            }

            return _length > 0;
        }
    }
}
