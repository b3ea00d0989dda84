namespace EveStorage.NvmetUser;

/// <summary>
/// Whether a queue's host has one command at a time, as one that waits for each of its syncs. What waits for the device is done on the
/// connection's own thread then, which saves two threads' waking up. The first that has company ends that until as many were alone again.
/// </summary>
internal sealed class LoneCommands
{
    /// <summary>How many have to be alone, one after the other: few in the life of a queue, and more than come so by chance on a busy one.</summary>
    internal const int Enough = 32;

    private int _count;

    /// <summary>Notes one, and says whether it may keep the thread.</summary>
    internal bool Note(bool isAlone)
    {
        _count = isAlone ? Math.Min(_count + 1, Enough) : 0;
        return _count == Enough;
    }
}
