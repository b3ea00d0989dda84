namespace EveStorage.Tests;

/// <summary>A volume in memory, to be written to an image.</summary>
internal sealed class MemoryVolume(byte[] disk) : IBlockSource
{
    public ByteSize Size => new(disk.Length);

    public bool TryRead(long offset, Span<byte> destination)
    {
        disk.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        TryRead(offset, destination.Span);
        return default;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask FlushAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;
}
