namespace EveStorage.FileBacked;

/// <summary>
/// Syncs that wait together run as one. What a caller wrote may have come after the running one began, so they wait for the
/// next, which starts when that has ended.
/// </summary>
internal sealed class JoinedSync(Action sync)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private bool _working;

    /// <summary>Completes after a sync that began after this was called.</summary>
    internal Task RunAsync()
    {
        lock (_gate)
        {
            _next ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_working)
            {
                _working = true;
                ThreadPool.UnsafeQueueUserWorkItem(static joined => joined.Work(), this, preferLocal: false);
            }

            return _next.Task;
        }
    }

    private void Work()
    {
        while (Take() is TaskCompletionSource waiting)
        {
            try
            {
                sync();
                waiting.SetResult();
            }
            catch (Exception e) when (e is not OutOfMemoryException)   // whatever it is, it belongs to those who wait
            {
                waiting.SetException(e);
            }
        }
    }

    private TaskCompletionSource? Take()
    {
        lock (_gate)
        {
            TaskCompletionSource? waiting = _next;
            (_next, _working) = (null, waiting is not null);
            return waiting;
        }
    }
}
