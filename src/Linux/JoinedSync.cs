namespace EveStorage.Linux;

/// <summary>
/// Syncs that wait together run as one. What a caller wrote may have come after the running one began, so they wait for the
/// next, which starts when that has ended.
/// </summary>
public sealed class JoinedSync(Action sync)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private bool _working;

    /// <summary>Completes after a sync that began after this was called. The first to come syncs here, which waits for the device.</summary>
    public Task RunAsync()
    {
        TaskCompletionSource mine;
        lock (_gate)
        {
            mine = _next ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_working)
            {
                return mine.Task;
            }

            (_next, _working) = (null, true);
        }

        Run(mine);
        if (HasMore())
        {
            // This caller has what it came for, and must not serve all who come later.
            ThreadPool.UnsafeQueueUserWorkItem(static joined => joined.RunAll(), this, preferLocal: false);
        }

        return mine.Task;
    }

    private void RunAll()
    {
        do
        {
            Run(Take());
        }
        while (HasMore());
    }

    private void Run(TaskCompletionSource waiting)
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

    private TaskCompletionSource Take()
    {
        lock (_gate)
        {
            TaskCompletionSource waiting = _next!;   // nobody else takes while this one works
            _next = null;
            return waiting;
        }
    }

    private bool HasMore()
    {
        lock (_gate)
        {
            return _working = _next is not null;
        }
    }
}
