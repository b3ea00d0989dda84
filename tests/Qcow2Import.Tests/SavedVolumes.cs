using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

/// <summary>A volume in memory that is saved. What is done at a read shows what a volume in use does.</summary>
internal class MemoryVolume(byte[] disk) : IBlockSource
{
    internal Action<long> Reading { get; init; } = static _ => { };

    public ByteSize Size => new(disk.Length);

    public bool TryRead(long offset, Span<byte> destination) => false;

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Reading(offset);
        disk.AsMemory((int)offset, destination.Length).CopyTo(destination);
        return default;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask FlushAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;

    /// <summary>Saves it, to what a file or a pipe is.</summary>
    internal async Task<byte[]> SaveAsync(string? compression, bool toPipe)
    {
        using MemoryStream image = new();
        await using Stream target = toPipe ? new PipeStream(image) : image;
        SavedVolume volume = new() { Name = new("vm1"), Id = Guid.Empty, Taken = default, Blocks = this, Compression = compression };
        await new Qcow2Format().WriteAsync(volume, target, new Progress<ByteSize>(), default);
        return image.ToArray();
    }

    // What can only be written in order.
    private sealed class PipeStream(MemoryStream target) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => target.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => target.WriteAsync(buffer, cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>A volume that knows where it has something.</summary>
internal sealed class SparseMemoryVolume(byte[] disk) : MemoryVolume(disk), ISparseBlockSource
{
    private readonly byte[] _disk = disk;

    public ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken)
        => new(_disk.AsSpan((int)offset).IndexOfAnyExcept((byte)0) is int found and >= 0 ? new SourceRun(offset + found, 512) : null);
}
