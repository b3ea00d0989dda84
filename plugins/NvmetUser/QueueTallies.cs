namespace EveStorage.NvmetUser;

/// <summary>A queue's tallies, one for each volume that it has had a command for. Only its own thread uses it.</summary>
internal sealed class QueueTallies
{
    private readonly Dictionary<ServedVolume, VolumeTally> _tallies = [];
    private ServedVolume? _last;
    private VolumeTally? _lastTally;

    /// <summary>That of <paramref name="volume"/>. A host mostly has one command after the other for the same.</summary>
    internal VolumeTally Of(ServedVolume volume)
    {
        if (!ReferenceEquals(volume, _last) || _lastTally is null)
        {
            (_last, _lastTally) = (volume, _tallies.TryGetValue(volume, out VolumeTally? known) ? known : Begin(volume));
        }

        return _lastTally;
    }

    /// <summary>The queue ends.</summary>
    internal void End()
    {
        foreach ((ServedVolume volume, VolumeTally tally) in _tallies)
        {
            volume.Traffic.End(tally);
        }

        _tallies.Clear();
        (_last, _lastTally) = (null, null);
    }

    // Those that were closed meanwhile are let go of: a connection may outlive many of them.
    private VolumeTally Begin(ServedVolume volume)
    {
        foreach (ServedVolume closed in _tallies.Keys.Where(static known => !known.IsOpen).ToArray())
        {
            closed.Traffic.End(_tallies[closed]);
            _tallies.Remove(closed);
        }

        return _tallies[volume] = volume.Traffic.Begin();
    }
}
