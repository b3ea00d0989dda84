using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>An image that the host reads for its worker, which has no network: each range is asked for, and comes through a pipe. Safe for calls at once.</summary>
internal sealed class RangeSource(SafeFileHandle handle, ByteSize length, string name, Action<ByteRange> ask) : IImageSource
{
    private readonly FileStream _bytes = new(handle, FileAccess.Read, bufferSize: 0);
    private readonly Lock _one = new();

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public long? Length => length.Bytes;

    /// <inheritdoc/>
    public bool CanSeek => true;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => new(Read(offset, destination.Span));

    /// <inheritdoc cref="ReadAsync"/>
    internal int Read(long offset, Span<byte> destination)
    {
        Span<byte> target = destination[..(int)Math.Clamp(length.Bytes - offset, 0, destination.Length)];
        for (int read = 0; read < target.Length;)
        {
            int next = Math.Min(target.Length - read, ByteRange.Most);
            lock (_one)
            {
                ask(new(offset + read, next));
                _bytes.ReadExactly(target.Slice(read, next));
            }

            read += next;
        }

        return target.Length;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _bytes.DisposeAsync();
}
