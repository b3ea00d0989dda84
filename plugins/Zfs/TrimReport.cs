using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>
/// Reads what <c>zpool status -t</c> says behind each drive. It is meant for people; it is the one form that every version has:
/// <c>(25% trimmed, started at Sun Nov 22 08:52:39 2026)</c>, or suspended, completed at, untrimmed, trim unsupported.
/// </summary>
internal static class TrimReport
{
    private const string Trimmed = "% trimmed, ";
    private const string Completed = "completed at ";

    // ctime(3), in the time of this machine.
    private static readonly string[] s_times = ["ddd MMM d HH:mm:ss yyyy", "ddd MMM  d HH:mm:ss yyyy"];

    /// <summary>Asks ZFS; null when no drive was ever told, or can be.</summary>
    internal static async Task<TrimStatus?> AskAsync(Zpool zpool, CancellationToken cancellationToken)
        => Read(await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-t", zpool.Root], cancellationToken));

    /// <summary>Reads it.</summary>
    internal static TrimStatus? Read(string printed)
    {
        List<(double Percent, string Word)> drives = [];
        foreach (string line in printed.Split('\n'))
        {
            int open = line.LastIndexOf('(');
            if (open < 0 || !line.EndsWith(')') || line.IndexOf(Trimmed, open, StringComparison.Ordinal) is not (> 0 and int at))
            {
                continue;
            }

            if (double.TryParse(line.AsSpan(open + 1, at - open - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent))
            {
                drives.Add((percent, line[(at + Trimmed.Length)..^1]));
            }
        }

        if (drives.Count == 0)
        {
            return null;
        }

        bool running = drives.Exists(drive => drive.Word.StartsWith("started", StringComparison.Ordinal));
        bool paused = !running && drives.Exists(drive => drive.Word.StartsWith("suspended", StringComparison.Ordinal));
        return new()
        {
            Running = running,
            Paused = paused,
            Percent = running || paused ? drives.Average(drive => drive.Percent) : null,
            Ended = running || paused ? null : drives.Max(drive => TimeOf(drive.Word)),
        };
    }

    /// <summary>A time as ZFS prints it; null when it is none.</summary>
    internal static DateTimeOffset? TimeOf(string said)
        => DateTimeOffset.TryParseExact(
            said.StartsWith(Completed, StringComparison.Ordinal) ? said[Completed.Length..] : said, s_times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal | DateTimeStyles.AllowInnerWhite, out DateTimeOffset time)
            ? time
            : null;
}
