namespace EveStorage.Tests;

/// <summary>A disk that does nothing, for a test to say what else it does.</summary>
internal class IdleBlocks : IBlockSource
{
    public ByteSize Size => ByteSize.MiB(1);

    public virtual bool WritesWait => false;

    public virtual bool TryRead(long offset, Span<byte> destination) => false;

    public virtual ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public virtual ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public virtual ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>A disk whose syncs fail with what is no failure of a disk.</summary>
internal sealed class OutOfMemoryBlocks : IdleBlocks
{
    public override ValueTask FlushAsync(CancellationToken cancellationToken) => throw new InsufficientMemoryException("was told to");
}

/// <summary>A disk whose second write ends the first, on the thread of the second.</summary>
internal sealed class PairedBlocks : IdleBlocks
{
    private readonly TaskCompletionSource _first = new();   // who waits goes on inside SetResult
    private int _writes;

    public override ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _writes) == 1)
        {
            return new(_first.Task);
        }

        _first.TrySetResult();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A disk whose writes keep their thread until they are let go.</summary>
internal sealed class WaitingBlocks : IdleBlocks, IDisposable
{
    internal ManualResetEventSlim Gate { get; } = new();

    internal TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override bool WritesWait => true;

    public override ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        Begun.TrySetResult();
        Gate.Wait(cancellationToken);
        return ValueTask.CompletedTask;
    }

    public void Dispose() => Gate.Dispose();
}
