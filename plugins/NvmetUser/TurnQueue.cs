namespace EveStorage.NvmetUser;

/// <summary>
/// A queue's commands that wait for their turn under their export's limit, in order within each export. The connection sleeps
/// until the next may go: nothing turns, and no timer is made. On the connection's thread.
/// </summary>
internal sealed class TurnQueue(TimeProvider time)
{
    private readonly List<CommandSlot> _waiting = [];
    private readonly List<RateLimit> _asked = [];
    private long _since;
    private TimeSpan _pause;

    /// <summary>How long until one may go; null when none waits.</summary>
    internal TimeSpan? Pause => _waiting.Count == 0 ? null : _pause - time.GetElapsedTime(_since);

    /// <summary>Whether a command may go at once; else it waits here.</summary>
    internal bool TryPass(CommandSlot slot)
    {
        TimeSpan? wait = _waiting.Exists(w => w.Limit == slot.Limit) ? Pause : slot.Limit!.Take(slot.Length);
        if (wait is not TimeSpan pause)
        {
            return true;
        }

        _pause = _waiting.Count == 0 || pause < Pause ? pause : Pause!.Value;
        _since = time.GetTimestamp();
        _waiting.Add(slot);
        return false;
    }

    /// <summary>Takes one that may go now; null when each has to wait, and then it is known how long.</summary>
    internal CommandSlot? Take()
    {
        if (Pause is not TimeSpan left || left > TimeSpan.Zero)
        {
            return null;
        }

        _asked.Clear();
        TimeSpan shortest = TimeSpan.MaxValue;
        for (int i = 0; i < _waiting.Count; i++)
        {
            CommandSlot slot = _waiting[i];
            if (_asked.Contains(slot.Limit!))
            {
                continue;   // one before it waits
            }

            if (slot.Limit!.Take(slot.Length) is not TimeSpan wait)
            {
                _waiting.RemoveAt(i);
                return slot;
            }

            _asked.Add(slot.Limit!);
            shortest = wait < shortest ? wait : shortest;
        }

        (_pause, _since) = (shortest, time.GetTimestamp());
        return null;
    }
}
