namespace EveStorage.FileBacked;

/// <summary>
/// Lets writers in together, and keeps all of them out while a snapshot is taken: it must see all of a write or nothing. It
/// belongs to no thread and allocates nothing.
/// </summary>
internal sealed class WriteGate : IDisposable
{
    private readonly ManualResetEventSlim _open = new(initialState: true);
    private readonly Lock _pausing = new();
    private int _inside;
    private int _pauses;

    /// <summary>Begins a write; <see cref="Exit"/> follows. Waits while the gate is shut.</summary>
    internal void Enter()
    {
        // Count in first and look then: whoever shuts the gate does it the other way round, so that one of the two sees the other.
        while (Interlocked.Increment(ref _inside) > 0 && Volatile.Read(ref _pauses) > 0)
        {
            Exit();
            _open.Wait();
        }
    }

    internal void Exit() => Interlocked.Decrement(ref _inside);

    /// <summary>Shuts the gate and waits until nobody writes. <see cref="Resume"/> follows.</summary>
    internal void Pause()
    {
        lock (_pausing)
        {
            Interlocked.Increment(ref _pauses);
            _open.Reset();
        }

        SpinWait wait = default;
        while (Volatile.Read(ref _inside) > 0)
        {
            wait.SpinOnce();   // sleeps soon: a durable write takes as long as the device
        }
    }

    internal void Resume()
    {
        lock (_pausing)
        {
            if (Interlocked.Decrement(ref _pauses) == 0)
            {
                _open.Set();
            }
        }
    }

    public void Dispose() => _open.Dispose();
}
