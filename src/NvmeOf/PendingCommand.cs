using System.Threading.Tasks.Sources;

namespace EveStorage.NvmeOf;

/// <summary>One place of a queue: a command that is on its way, again and again.</summary>
internal sealed class PendingCommand(ushort id) : IValueTaskSource<CompletionEntry>
{
    private ManualResetValueTaskSourceCore<CompletionEntry> _source = new() { RunContinuationsAsynchronously = true };
    private int _taken;
    private long _asked;

    /// <summary>CID.</summary>
    internal ushort Id => id;

    /// <summary>Where data that is read goes.</summary>
    internal Memory<byte> Destination { get; private set; }

    /// <summary>The data that is written.</summary>
    internal ReadOnlyMemory<byte> Data { get; private set; }

    /// <summary>When it was sent; 0 when it waits for an event, which may take for ever, or for nothing.</summary>
    internal long Started { get; private set; }

    /// <summary>Whether it is on its way.</summary>
    internal bool IsActive => Volatile.Read(ref _taken) != 0;

    /// <summary>Notes that the target asks for data; false when there is not so much, or it asked for it before.</summary>
    internal bool TryAsk(TransferHeader asked)
    {
        // In order, as a target that gives an offset has to: NVMe/TCP 1.0c, "R2T". So there are no more of them than bytes.
        if (asked.Length == 0 || asked.Offset != _asked || Data.Length - _asked < asked.Length)
        {
            return false;
        }

        _asked += asked.Length;
        return true;
    }

    /// <summary>Whether data came with a wrong digest.</summary>
    internal bool Damaged { get; set; }

    internal ValueTask<CompletionEntry> Start(Memory<byte> destination, ReadOnlyMemory<byte> data, long started)
    {
        _source.Reset();
        (Destination, Data, Started, Damaged, _asked) = (destination, data, started, false, 0);
        Volatile.Write(ref _taken, 1);
        return new(this, _source.Version);
    }

    /// <summary>Ends it, if nobody did.</summary>
    internal void End(CompletionEntry completion)
    {
        if (Interlocked.Exchange(ref _taken, 0) != 0)
        {
            Release();
            _source.SetResult(completion);
        }
    }

    /// <inheritdoc cref="End(CompletionEntry)"/>
    internal void End(Exception failure)
    {
        if (Interlocked.Exchange(ref _taken, 0) != 0)
        {
            Release();
            _source.SetException(failure);
        }
    }

    CompletionEntry IValueTaskSource<CompletionEntry>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<CompletionEntry>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<CompletionEntry>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    private void Release() => (Destination, Data, Started) = (default, default, 0);
}
