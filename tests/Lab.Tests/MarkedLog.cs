using EveStorage.Linux;
using EveStorage.PowerTrial;

namespace EveStorage.Tests;

/// <summary>What dm-log-writes recorded, as a disk at each of its marks.</summary>
internal static class MarkedLog
{
    /// <summary>Replays the log onto a disk, and stops at each mark to say its name.</summary>
    internal static IEnumerable<string> Replay(string path, string disk)
    {
        using WriteLog log = new(path);
        using BlockFile to = BlockFile.Open(disk, writable: true);
        foreach (LoggedWrite entry in log.Read())
        {
            log.Replay(entry, to);
            if (entry.Mark is string mark)
            {
                yield return mark;
            }
        }
    }
}
