namespace EveStorage.NvmetUser;

/// <summary>
/// Flushes of one volume: while one runs, all that come wait for the next, and share it. They can't share the running one,
/// since what they want on the disk may have been written after it began.
/// </summary>
internal sealed class JoinedFlush(IBlockSource source)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private Task _worker = Task.CompletedTask;
    private bool _working;

    /// <summary>Makes all that was written before survive a crash.</summary>
    internal Task FlushAsync()
    {
        lock (_gate)
        {
            _next ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task flushed = _next.Task;
            if (!_working)
            {
                _working = true;
                _worker = WorkAsync(_worker);
            }

            return flushed;
        }
    }

    private async Task WorkAsync(Task before)
    {
        await before;
        await Task.Yield();   // off the connection's thread: a sync waits for the device
        while (Take() is TaskCompletionSource waiting)
        {
            try
            {
                await source.FlushAsync(CancellationToken.None);
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
