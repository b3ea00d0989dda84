namespace EveStorage.NvmetUser;

/// <summary>
/// How many queues' threads are awake. One may look for the next command without sleeping only while they are no more than half
/// of the processors: else it keeps a processor from another queue that has a command, or from whoever sends the next.
/// </summary>
internal sealed class AwakeQueues(int processors)
{
    private int _count;

    /// <summary>Whether those that are awake may look without sleeping.</summary>
    internal bool MaySpin => Volatile.Read(ref _count) <= processors / 2;

    /// <summary>One has begun, or woke.</summary>
    internal void Enter() => Interlocked.Increment(ref _count);

    /// <summary>It ends, or sleeps.</summary>
    internal void Leave() => Interlocked.Decrement(ref _count);
}
