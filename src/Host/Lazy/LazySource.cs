namespace EveStorage.Host.Lazy;

/// <summary>The blocks of a volume that lies over its image, for one who has it open. It goes on when the volume has become an ordinary one.</summary>
internal sealed class LazySource(LazyVolume volume, string subject, BlockAccess access, Func<ValueTask> leave) : IBlockSource
{
    private Func<ValueTask>? _leave = leave;

    public ByteSize Size => volume.Blocks.Size;

    public bool WritesWait => volume.Blocks.WritesWait;

    public bool TryRead(long offset, Span<byte> destination)
    {
        RequireOpen();
        return volume.TryRead(offset, destination);
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        RequireOpen();
        return volume.ReadAsync(offset, destination, cancellationToken);
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        RequireWritable();
        return volume.WriteAsync(offset, source, durability, cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        RequireOpen();
        return access == BlockAccess.Read ? ValueTask.CompletedTask : volume.FlushAsync(cancellationToken);
    }

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        RequireWritable();
        return volume.DiscardAsync(offset, length, cancellationToken);
    }

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        RequireWritable();
        return volume.WriteZeroesAsync(offset, length, cancellationToken);
    }

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _leave, null)?.Invoke() ?? ValueTask.CompletedTask;

    private void RequireWritable()
    {
        RequireOpen();
        if (access == BlockAccess.Read)
        {
            throw new StorageException(StorageErrorKind.NotSupported, subject, "is open to read only");
        }
    }

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_leave is null, this);
}
