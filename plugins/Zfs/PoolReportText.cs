using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>
/// Reads the table of <c>zpool status -p</c>. It is meant for people, and OpenZFS 2.1 and 2.2 have counts of errors and the state of
/// a scrub nowhere else. It is printed twice, with paths and with ids, whose rows are the same.
/// </summary>
internal static class PoolReportText
{
    private const string Table = "config:";
    private const string State = " state: ";
    private const string Scan = "  scan: ";
    private const string Lost = "errors: ";

    // What stands where the words of a table's first column name a group: print_status_config.
    private static readonly string[] s_groups = ["mirror", "raidz", "draid", "replacing", "spare", "indirect"];
    private static readonly string[] s_others = ["logs", "cache", "spares", "special", "dedup"];

    /// <summary>Reads it.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static PoolReport Read(string withPaths, string withIds, string pool)
    {
        Row[] paths = [.. Rows(withPaths)];
        Row[] ids = [.. Rows(withIds)];
        if (paths.Length == 0 || paths.Length != ids.Length || paths[0].Depth != 0)
        {
            throw new StorageException(StorageErrorKind.Io, pool, "zpool prints no status of it");
        }

        int at = 1;
        string[] lines = withPaths.Split('\n');
        return new(StateOf(lines) ?? paths[0].State, Members(paths, ids, 0, ref at), ReadScan(lines), ReadLost(lines));
    }

    private static List<Vdev> Members(Row[] paths, Row[] ids, int depth, ref int at)
    {
        List<Vdev> members = [];
        while (at < paths.Length && paths[at].Depth > depth)
        {
            (Row row, string id) = (paths[at], ids[at].Name);
            at++;
            List<Vdev> below = Members(paths, ids, row.Depth, ref at);
            string? group = Array.Find(s_groups, word => row.Name.StartsWith(word, StringComparison.Ordinal));
            members.Add(new(row.Name, group ?? "disk", id, group is null ? row.PathNow : null, row.State, row.Failures, below, row.IsLeaving));
        }

        return members;
    }

    private static IEnumerable<Row> Rows(string printed)
    {
        IEnumerable<string> lines = printed.Split('\n').SkipWhile(line => line != Table).Skip(1).SkipWhile(line => line.Length == 0).Skip(1);
        foreach (string line in lines.TakeWhile(line => line.Length > 0))
        {
            string text = line.TrimStart('\t');
            string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && s_others.Contains(words[0]))
            {
                yield break;   // caches and logs are none of ours to make
            }

            if (words.Length >= 5)
            {
                int was = Array.IndexOf(words, "was");
                yield return new(
                    (text.Length - text.TrimStart(' ').Length) / 2, words[0], words[1], new(Number(words[2]), Number(words[3]), Number(words[4])),
                    was > 0 && was + 1 < words.Length ? words[was + 1] : words[0], words.Contains("(removing)"));
            }
        }
    }

    // "scrub in progress since …" with "… 12.3% done" two lines below, or "scrub repaired 0B in … with 0 errors on …".
    private static PoolScan? ReadScan(string[] lines)
    {
        int at = Array.FindIndex(lines, line => line.StartsWith(Scan, StringComparison.Ordinal));
        if (at < 0 || lines[at].Contains("none requested", StringComparison.Ordinal))
        {
            return null;
        }

        string said = lines[at][Scan.Length..];
        bool paused = said.Contains(" paused since ", StringComparison.Ordinal);
        bool running = paused || said.Contains("in progress", StringComparison.Ordinal);
        string[] words = string.Join(' ', lines.Skip(at).TakeWhile((line, number) => number == 0 || line.StartsWith('\t'))).Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries);
        string? percent = words.FirstOrDefault(word => word.EndsWith('%'));
        int with = Array.IndexOf(words, "with");
        return new(
            said.StartsWith("resilver", StringComparison.Ordinal), running,
            running && double.TryParse(percent?[..^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double part) ? part : null,
            !running && with >= 0 && with + 1 < words.Length ? Number(words[with + 1]) : 0,
            paused, !running && with >= 0 && said.LastIndexOf(" on ", StringComparison.Ordinal) is > 0 and int on ? TrimReport.TimeOf(said[(on + 4)..]) : null);
    }

    // A pool that does nothing for want of its drives is suspended here alone: its row says what they are.
    private static string? StateOf(string[] lines) => lines.FirstOrDefault(line => line.StartsWith(State, StringComparison.Ordinal))?[State.Length..];

    private static long? ReadLost(string[] lines)
        => lines.FirstOrDefault(line => line.StartsWith(Lost, StringComparison.Ordinal))?[Lost.Length..] switch
        {
            null => null,
            "No known data errors" => 0,
            string said => long.TryParse(said.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long lost) ? lost : null,
        };

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : 0;

    private sealed record Row(int Depth, string Name, string State, VdevFailures Failures, string PathNow, bool IsLeaving);
}
