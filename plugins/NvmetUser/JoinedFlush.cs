namespace EveStorage.NvmetUser;

/// <summary>
/// Flushes of one volume: while one runs, all that come wait for the next, and share it. They can't share the running one,
/// since what they want on the disk may have been written after it began.
/// </summary>
internal sealed class JoinedFlush(IBlockSource source)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private bool _working;
    private int _joined;

    /// <summary>How many have come so far.</summary>
    internal int Joined => Volatile.Read(ref _joined);

    /// <summary>Makes all that was written before survive a crash. The first to come syncs here, which waits for the device.</summary>
    internal Task FlushAsync()
    {
        Task flushed;
        lock (_gate)
        {
            _joined++;
            _next ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            flushed = _next.Task;
            if (_working)
            {
                return flushed;
            }

            _working = true;
        }

        _ = WorkAsync();   // it ends when nobody waits any more, and tells them how
        return flushed;
    }

    private async Task WorkAsync()
    {
        while (Take() is TaskCompletionSource waiting)
        {
            Task synced = SyncAsync();
            await Task.WhenAny(synced);
            waiting.SetFromTask(synced);   // however it ended, it belongs to those who wait
            if (IsWanted)
            {
                await Task.Yield();   // whose thread it was has what it came for
            }
        }
    }

    // Its task holds whatever the volume throws.
    private async Task SyncAsync() => await source.FlushAsync(CancellationToken.None);

    private bool IsWanted
    {
        get
        {
            lock (_gate)
            {
                return _next is not null;
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
