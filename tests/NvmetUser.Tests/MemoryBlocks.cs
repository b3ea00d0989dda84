namespace EveStorage.Tests;

/// <summary>A disk in memory that a test can make slow, full or broken.</summary>
internal sealed class MemoryBlocks(int size) : IBlockSource
{
    private readonly Lock _gate = new();
    private byte[] _bytes = new byte[size];
    private int _begun;

    public ByteSize Size => new(_bytes.Length);

    /// <summary>Whether reads answer at once.</summary>
    internal bool Cached { get; set; } = true;

    /// <summary>What reads that are not cached, flushes and stable writes wait for.</summary>
    internal TaskCompletionSource? Gate { get; set; }

    /// <summary>What writes that are not stable wait for.</summary>
    internal TaskCompletionSource? WriteGate { get; set; }

    /// <summary>What writes fail with.</summary>
    internal StorageException? WriteFailure { get; set; }

    /// <summary>What flushes fail with.</summary>
    internal StorageException? FlushFailure { get; set; }

    /// <summary>What reads fail with.</summary>
    internal StorageException? ReadFailure { get; set; }

    /// <summary>What writing zeros fails with.</summary>
    internal StorageException? ZeroFailure { get; set; }

    /// <summary>How many have begun to wait at the gate.</summary>
    internal int Begun => Volatile.Read(ref _begun);

    internal int Flushes { get; private set; }

    internal int StableWrites { get; private set; }

    internal List<(long Offset, long Length)> Discarded { get; } = [];

    internal bool IsDisposed { get; private set; }

    internal Span<byte> Bytes => _bytes;

    internal void Grow(int to) => Array.Resize(ref _bytes, to);

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (Cached)
        {
            Read(offset, destination);
        }

        return Cached;
    }

    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await WaitAsync();
        if (ReadFailure is not null)
        {
            throw ReadFailure;
        }

        Read(offset, destination.Span);
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        if (durability == WriteDurability.Stable)
        {
            await WaitAsync();
            StableWrites++;
        }
        else if (WriteGate is TaskCompletionSource gate)
        {
            Interlocked.Increment(ref _begun);
            await gate.Task;
        }

        if (WriteFailure is not null)
        {
            throw WriteFailure;
        }

        lock (_gate)
        {
            source.Span.CopyTo(_bytes.AsSpan((int)offset));
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await WaitAsync();
        Flushes++;
        if (FlushFailure is not null)
        {
            throw FlushFailure;
        }
    }

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Discarded.Add((offset, length));
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        if (ZeroFailure is not null)
        {
            throw ZeroFailure;
        }

        lock (_gate)
        {
            _bytes.AsSpan((int)offset, (int)length).Clear();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }

    private void Read(long offset, Span<byte> destination)
    {
        lock (_gate)
        {
            _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        }
    }

    private Task WaitAsync()
    {
        Interlocked.Increment(ref _begun);
        return Gate?.Task ?? Task.CompletedTask;
    }
}
