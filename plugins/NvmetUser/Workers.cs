namespace EveStorage.NvmetUser;

/// <summary>
/// Threads for what waits for a device. Not the thread pool's: that begins with one a processor and adds one or two a second,
/// and a disk is slow with so few commands at once. They come when there is work, and go when there is none.
/// </summary>
internal sealed class Workers(Target target)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();   // Monitor waits, which Lock does not
    private readonly Queue<CommandSlot> _work = new();
    private int _threads;
    private int _idle;

    /// <summary>How many threads there are.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
            {
                return _threads;
            }
        }
    }

    /// <summary>Runs a command's work soon.</summary>
    internal void Run(CommandSlot slot)
    {
        bool another;
        lock (_gate)
        {
            _work.Enqueue(slot);
            another = _work.Count > _idle && _threads < Limits.MaxWorkers;
            _threads += another ? 1 : 0;
            Monitor.Pulse(_gate);
        }

        if (another && !target.TryStart(new(Work, maxStackSize: 256 << 10) { IsBackground = true, Name = "nvmet worker" }))
        {
            ThreadPool.UnsafeQueueUserWorkItem(static workers => workers.Work(), this, preferLocal: false);   // slower, and no command is lost
        }
    }

    private void Work()
    {
        while (Take() is CommandSlot slot)
        {
            slot.Run();
        }
    }

    private CommandSlot? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_work.TryDequeue(out CommandSlot? slot))
                {
                    return slot;
                }

                _idle++;
                bool pulsed = Monitor.Wait(_gate, s_patience);
                _idle--;
                if (!pulsed && _work.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }
        }
    }
}
