namespace EveStorage.NvmetUser;

/// <summary>Memory that the kernel and a device may write to: it never moves, and starts at a page.</summary>
internal sealed class PageBuffer
{
    private const int Page = 4096;

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

/// <summary>The buffers of all connections, with one limit that holds before anything is allocated.</summary>
internal sealed class BufferPool(ByteSize limit)
{
    // Few sizes, so that what one command gave back fits the next: in-capsule, a middle, the largest transfer, a queue's own.
    private static readonly int[] s_sizes = [16 << 10, 64 << 10, Limits.MaxTransfer, Limits.QueueBuffer];

    private readonly Lock _gate = new();
    private readonly Stack<PageBuffer>[] _free = [.. s_sizes.Select(_ => new Stack<PageBuffer>())];
    private readonly HashSet<QueueConnection> _waiting = [];
    private long _used;
    private long _kept;

    /// <summary>What is rented now.</summary>
    internal ByteSize Used => new(Interlocked.Read(ref _used));

    /// <summary>A buffer of at least <paramref name="length"/> bytes; null when that goes beyond the limit now.</summary>
    internal PageBuffer? TryRent(int length)
    {
        int size = ClassOf(length);
        lock (_gate)
        {
            if (_used + s_sizes[size] > limit.Bytes)
            {
                return null;
            }

            _used += s_sizes[size];
            if (_free[size].TryPop(out PageBuffer? buffer))
            {
                _kept -= s_sizes[size];
                return buffer;
            }
        }

        return new(s_sizes[size]);
    }

    /// <summary>Gives a buffer back, and wakes who waits for one.</summary>
    internal void Return(PageBuffer buffer)
    {
        int size = ClassOf(buffer.Memory.Length);
        QueueConnection[] waiting = [];
        lock (_gate)
        {
            _used -= s_sizes[size];
            if (_kept + s_sizes[size] <= limit.Bytes / 4)
            {
                _kept += s_sizes[size];
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

    private static int ClassOf(int length) => Array.FindIndex(s_sizes, s => s >= length);
}
