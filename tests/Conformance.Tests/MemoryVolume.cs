using EveStorage.Conformance;

namespace EveStorage.Tests;

/// <summary>A volume in memory.</summary>
internal sealed class MemoryVolume(ByteSize size) : ITransportVolume, IBlockSource
{
    private byte[] _bytes = new byte[size.Bytes];

    public VolumeAccess Access => new() { OpenBlocksAsync = (_, _) => new(this) };

    public ByteSize Size => new(_bytes.Length);

    public ValueTask GrowAsync(ByteSize size, CancellationToken cancellationToken)
    {
        Array.Resize(ref _bytes, (int)size.Bytes);
        return ValueTask.CompletedTask;
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        TryRead(offset, destination.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        source.Span.CopyTo(_bytes.AsSpan((int)offset));
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        _bytes.AsSpan((int)offset, (int)length).Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
