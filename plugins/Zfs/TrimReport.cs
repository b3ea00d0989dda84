using System.Globalization;
using System.Text.Json;

namespace EveStorage.Zfs;

/// <summary>
/// Reads what <c>zpool status -t</c> says of each drive: as JSON where ZFS has that, vdev_stats_nvlist of OpenZFS's cmd/zpool/zpool_main.c,
/// and of 2.1 and 2.2 what it prints behind it for people, <c>(25% trimmed, started at Sun Nov 22 08:52:39 2026)</c>, or suspended,
/// completed at, untrimmed, trim unsupported.
/// </summary>
internal static class TrimReport
{
    private const string Trimmed = "% trimmed, ";
    private const string Completed = "completed at ";

    // ctime(3), in the time of this machine.
    private static readonly string[] s_times = ["ddd MMM d HH:mm:ss yyyy", "ddd MMM  d HH:mm:ss yyyy"];

    private enum State
    {
        Running,
        Paused,
        Ended,
    }

    /// <summary>Asks ZFS; null when no drive was ever told, or can be.</summary>
    internal static async Task<TrimStatus?> AskAsync(Zpool zpool, ZfsVersion version, CancellationToken cancellationToken)
        => version.HasJson
            ? ReadJson(await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-j", "--json-int", "-t", zpool.Root], cancellationToken), zpool.Root)
            : ReadText(await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-t", zpool.Root], cancellationToken));

    /// <summary>Reads it as JSON.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static TrimStatus? ReadJson(string printed, string pool)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(printed);
            return Of([.. Leaves(document.RootElement.GetProperty("pools").GetProperty(pool).GetProperty("vdevs")).Select(ReadDrive).OfType<Drive>()]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Io, pool, "zpool prints no status of it", e);
        }
    }

    /// <summary>Reads it as text.</summary>
    internal static TrimStatus? ReadText(string printed)
    {
        List<Drive> drives = [];
        foreach (string line in printed.Split('\n'))
        {
            int open = line.LastIndexOf('(');
            if (open < 0 || !line.EndsWith(')') || line.IndexOf(Trimmed, open, StringComparison.Ordinal) is not (> 0 and int at))
            {
                continue;
            }

            if (double.TryParse(line.AsSpan(open + 1, at - open - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent))
            {
                string word = line[(at + Trimmed.Length)..^1];
                State state = word.StartsWith("started", StringComparison.Ordinal) ? State.Running : word.StartsWith("suspended", StringComparison.Ordinal) ? State.Paused : State.Ended;
                drives.Add(new(state, percent, TimeOf(word)));
            }
        }

        return Of(drives);
    }

    /// <summary>A time as ZFS prints it; null when it is none.</summary>
    internal static DateTimeOffset? TimeOf(string said)
        => DateTimeOffset.TryParseExact(
            said.StartsWith(Completed, StringComparison.Ordinal) ? said[Completed.Length..] : said, s_times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal | DateTimeStyles.AllowInnerWhite, out DateTimeOffset time)
            ? time
            : null;

    private static TrimStatus? Of(List<Drive> drives)
    {
        if (drives.Count == 0)
        {
            return null;
        }

        bool running = drives.Exists(drive => drive.State == State.Running);
        bool paused = !running && drives.Exists(drive => drive.State == State.Paused);
        return new()
        {
            Running = running,
            Paused = paused,
            Percent = running || paused ? drives.Average(drive => drive.Percent) : null,
            Ended = running || paused ? null : drives.Max(drive => drive.When),
        };
    }

    private static IEnumerable<JsonElement> Leaves(JsonElement vdevs)
        => vdevs.EnumerateObject().SelectMany(vdev => vdev.Value.TryGetProperty("vdevs", out JsonElement below) ? Leaves(below) : [vdev.Value]);

    // One that was never told, was told to stop, or can't be, is none.
    private static Drive? ReadDrive(JsonElement vdev)
    {
        State? state = vdev.TryGetProperty("trim_state", out JsonElement said)
            ? said.GetString() switch { "ACTIVE" => State.Running, "SUSPENDED" => State.Paused, "COMPLETE" => State.Ended, _ => null }
            : null;
        double whole = PoolReportJson.Count(vdev, "to_trim");
        return state is State known
            ? new(known, whole > 0 ? Math.Min(100, PoolReportJson.Count(vdev, "trimmed") * 100 / whole) : 0, DateTimeOffset.FromUnixTimeSeconds(PoolReportJson.Count(vdev, "trim_time")))
            : null;
    }

    /// <summary>How far a drive is, and since when.</summary>
    private sealed record Drive(State State, double Percent, DateTimeOffset? When);
}
