using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>An open file of somebody else's as a stream to write, from its start or where it is told, in pieces that are worth a system call. It stays open.</summary>
internal sealed class ImageFileStream(SafeFileHandle file, string name) : Stream
{
    private readonly byte[] _buffer = new byte[1 << 20];
    private long _start;
    private int _waiting;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => _start + _waiting;
        set
        {
            if (value != Position)
            {
                Flush();
                _start = value;
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > _buffer.Length - _waiting)
        {
            Flush();
        }

        if (buffer.Length >= _buffer.Length)
        {
            Put(buffer);
        }
        else
        {
            buffer.CopyTo(_buffer.AsSpan(_waiting));
            _waiting += buffer.Length;
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <summary>Gives what waits to the kernel. Making it survive a crash is the caller's.</summary>
    public override void Flush()
    {
        Put(_buffer.AsSpan(0, _waiting));
        _waiting = 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Put(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(file, bytes, _start);
            _start += bytes.Length;
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(name, e);
        }
    }
}
