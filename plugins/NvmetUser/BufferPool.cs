namespace EveStorage.NvmetUser;

/// <summary>Memory that the kernel and a device may write to: it never moves, and starts at a page.</summary>
internal sealed class PageBuffer
{
    /// <summary>What alignment costs.</summary>
    internal const int Page = 4096;

    internal unsafe PageBuffer(int size)
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(size + Page, pinned: true);
        nuint address;
        fixed (byte* start = array)
        {
            address = (nuint)start;
        }

        Memory = array.AsMemory((int)(((address + Page - 1) & ~(nuint)(Page - 1)) - address), size);
    }

    /// <summary>All of it.</summary>
    internal Memory<byte> Memory { get; }
}

/// <summary>What a controller's commands have of the pool. The pool counts it.</summary>
internal sealed class BufferShare
{
    /// <summary>What they have now.</summary>
    internal long Used { get; set; }
}

/// <summary>The buffers of all connections, with one limit that holds before anything is allocated. What is kept for the next counts too.</summary>
internal sealed class BufferPool(ByteSize limit)
{
    // Few sizes, so that what one command gave back fits the next: small, a middle, the largest transfer, a queue's own.
    private static readonly int[] s_sizes = [16 << 10, 64 << 10, Limits.MaxTransfer, Limits.QueueBuffer];

    private readonly Lock _gate = new();
    private readonly Stack<PageBuffer>[] _free = [.. s_sizes.Select(_ => new Stack<PageBuffer>())];
    private readonly HashSet<QueueConnection> _waiting = [];
    private long _used;
    private long _standing;   // of what is used, what is no share
    private long _kept;

    /// <summary>What is rented now.</summary>
    internal ByteSize Used => new(Interlocked.Read(ref _used));

    /// <summary>What is rented and what is kept.</summary>
    internal ByteSize Allocated
    {
        get
        {
            lock (_gate)
            {
                return new(_used + _kept);
            }
        }
    }

    /// <summary>
    /// A buffer of at least <paramref name="length"/> bytes; null when that goes beyond the limit now, or beyond a share: a
    /// controller's commands have at most as much as nobody has, so that of n busy controllers each gets its part of n + 1.
    /// </summary>
    internal PageBuffer? TryRent(int length, BufferShare? share = null)
    {
        int size = ClassOf(length);
        long cost = CostOf(size);
        lock (_gate)
        {
            // What connections have for as long as they live leaves room for commands, or those would wait for ever.
            bool fits = share is null ? _standing + cost <= limit.Bytes / 4 * 3 : share.Used + cost <= limit.Bytes - _used;
            if (!fits || _used + cost > limit.Bytes)
            {
                return null;
            }

            Count(cost, share);
            if (_free[size].TryPop(out PageBuffer? buffer))
            {
                _kept -= cost;
                return buffer;
            }

            DropKept();
        }

        try
        {
            return new(s_sizes[size]);
        }
        catch (OutOfMemoryException)   // the process has a lower limit than ours
        {
            lock (_gate)
            {
                Count(-cost, share);
            }

            return null;
        }
    }

    /// <summary>Gives a buffer back, and wakes who waits for one.</summary>
    internal void Return(PageBuffer buffer, BufferShare? share = null)
    {
        int size = ClassOf(buffer.Memory.Length);
        long cost = CostOf(size);
        QueueConnection[] waiting = [];
        lock (_gate)
        {
            Count(-cost, share);
            if (_kept + cost <= limit.Bytes / 4)
            {
                _kept += cost;
                _free[size].Push(buffer);
            }

            if (_waiting.Count > 0)
            {
                waiting = [.. _waiting];
                _waiting.Clear();
            }
        }

        foreach (QueueConnection connection in waiting)
        {
            connection.Wake();
        }
    }

    /// <summary>Wakes <paramref name="connection"/> when a buffer comes back. It asks again before it sleeps, so none is missed.</summary>
    internal void WakeLater(QueueConnection connection)
    {
        lock (_gate)
        {
            _waiting.Add(connection);
        }
    }

    /// <summary>Wakes <paramref name="connection"/> no more.</summary>
    internal void Forget(QueueConnection connection)
    {
        lock (_gate)
        {
            _waiting.Remove(connection);
        }
    }

    private void Count(long cost, BufferShare? share)
    {
        _used += cost;
        if (share is null)
        {
            _standing += cost;
        }
        else
        {
            share.Used += cost;
        }
    }

    // Kept buffers of other sizes make room for one that has to be made.
    private void DropKept()
    {
        for (int size = s_sizes.Length - 1; size >= 0 && _used + _kept > limit.Bytes; size--)
        {
            while (_used + _kept > limit.Bytes && _free[size].TryPop(out _))
            {
                _kept -= CostOf(size);
            }
        }
    }

    private static int ClassOf(int length) => Array.FindIndex(s_sizes, s => s >= length);

    private static long CostOf(int size) => s_sizes[size] + PageBuffer.Page;
}
