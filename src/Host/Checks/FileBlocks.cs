using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Checks;

/// <summary>The blocks of a file, for a transport to serve while it is checked.</summary>
internal sealed class FileBlocks(SafeFileHandle file, BlockAccess access) : IBlockSource
{
    public ByteSize Size => new(RandomAccess.GetLength(file));

    public bool TryRead(long offset, Span<byte> destination) => false;

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        for (int read; destination.Length > 0; (offset, destination) = (offset + read, destination[read..]))
        {
            read = RandomAccess.Read(file, destination.Span, offset);
            if (read == 0)
            {
                throw new StorageException(StorageErrorKind.NotSupported, "volume", $"has {Size}, and nothing at {offset}");
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        if (access == BlockAccess.Read || offset < 0 || offset > Size.Bytes - source.Length)
        {
            throw new StorageException(StorageErrorKind.NotSupported, "volume", $"takes no write at {offset}");
        }

        RandomAccess.Write(file, source.Span, offset);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;   // it need not outlive the check

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => WriteAsync(offset, new byte[length], WriteDurability.Cached, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
