namespace EveStorage.Host.Worker;

/// <summary>A part of a copy, in the order in which an image tells its disk.</summary>
/// <param name="end">Where on the way through the disk it ends.</param>
/// <param name="cost">How many bytes had to be read and written to get there.</param>
internal sealed class CopyPart(long end, long cost)
{
    internal long End => end;

    internal long Cost => cost;

    internal bool IsDone { get; set; }
}

/// <summary>
/// Up to where a copy has come without a gap, and from time to time that so much of it survives a crash. Copying goes on meanwhile,
/// but no further ahead than a bound: what lies beyond the last mark is read once more by who goes on after a crash.
/// </summary>
internal sealed class CopyMarks(SparseTarget target, ByteSize from, Action<ByteSize> tell)
{
    // What a drive writes in about a second, and a network brings in many.
    private const long Bound = 256L << 20;
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Queue<CopyPart> _underWay = new();
    private TaskCompletionSource _due = NewSignal();
    private TaskCompletionSource _marked = NewSignal();
    private CopyPart _last = new(from.Bytes, 0);
    private CopyPart _safe = new(from.Bytes, 0);

    /// <summary>A part that is to be copied, or has nothing to copy. They begin in their order.</summary>
    internal CopyPart Begin(long end, long cost, bool isDone)
    {
        lock (_lock)
        {
            CopyPart part = new(end, cost);
            _underWay.Enqueue(part);
            if (isDone)
            {
                Finish(part);
            }

            return part;
        }
    }

    /// <summary>A part that has been written.</summary>
    internal void Done(CopyPart part)
    {
        lock (_lock)
        {
            Finish(part);
        }
    }

    /// <summary>Waits while <paramref name="cost"/> is too far ahead of the last mark.</summary>
    internal async ValueTask WaitAsync(long cost, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task marked;
            lock (_lock)
            {
                if (cost - _safe.Cost <= 2 * Bound)
                {
                    return;
                }

                marked = _marked.Task;
            }

            await marked.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Marks until it is told to stop.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.WhenAny(_due.Task, Task.Delay(s_interval, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                CopyPart last;
                lock (_lock)
                {
                    last = _last;
                    _due = NewSignal();
                }

                if (last.End > _safe.End)
                {
                    target.Flush();
                    tell(new(last.End));
                    Mark(last);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // all is copied, or it failed
        }
    }

    private void Mark(CopyPart last)
    {
        TaskCompletionSource marked;
        lock (_lock)
        {
            _safe = last;
            marked = _marked;
            _marked = NewSignal();
        }

        marked.SetResult();
    }

    private void Finish(CopyPart part)
    {
        part.IsDone = true;
        while (_underWay.TryPeek(out CopyPart? next) && next.IsDone)
        {
            _last = _underWay.Dequeue();
        }

        if (_last.Cost - _safe.Cost >= Bound)
        {
            _due.TrySetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
