namespace EveStorage.NvmetUser;

/// <summary>
/// How many queues may look for the next command at once before they sleep: half of the processors, so that those who look
/// don't keep from it whoever sends that command, or another queue that has one.
/// </summary>
internal sealed class SpinPlaces(int processors)
{
    private int _free = processors / 2;

    /// <summary>Takes a place; false when there is none.</summary>
    internal bool TryTake()
    {
        int free = Volatile.Read(ref _free);
        while (free > 0)
        {
            int seen = Interlocked.CompareExchange(ref _free, free - 1, free);
            if (seen == free)
            {
                return true;
            }

            free = seen;
        }

        return false;
    }

    /// <summary>Gives it back.</summary>
    internal void Give() => Interlocked.Increment(ref _free);
}
