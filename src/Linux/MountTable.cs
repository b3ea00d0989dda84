using System.Text;

namespace EveStorage.Linux;

/// <summary>Something that is mounted.</summary>
/// <param name="Point">Where.</param>
/// <param name="Device">The number of the device: <c>7:0</c>.</param>
/// <param name="Kind">Its kind: <c>ext4</c>.</param>
/// <param name="ReadOnly">Whether it is, by the mount or by the file system itself, as after an error.</param>
public sealed record Mount(string Point, string Device, string Kind, bool ReadOnly)
{
    /// <summary>What was mounted: a device's path, or a name such as <c>tank/volumes/newlog</c>.</summary>
    public string Source { get; init; } = "";

    /// <summary>Which directory of it.</summary>
    public string Root { get; init; } = "/";
}

/// <summary>What is mounted, as this process sees it: proc(5), <c>/proc/pid/mountinfo</c>.</summary>
public static class MountTable
{
    /// <summary>All of it, in the order in which it was mounted: of two at one place the later one is seen.</summary>
    public static IReadOnlyList<Mount> Read()
        => FileCalls.Run("/proc/self/mountinfo", () => File.ReadLines("/proc/self/mountinfo").Select(Parse).OfType<Mount>().ToList());

    /// <summary>What is seen at <paramref name="point"/>; null when nothing is mounted there.</summary>
    public static Mount? FindAt(string point) => Read().LastOrDefault(mount => mount.Point == point);

    /// <summary>Reads a line: number, parent, device, root, point, options, tags up to a hyphen, kind, source, options of the file system.</summary>
    internal static Mount? Parse(string line)
    {
        string[] fields = line.Split(' ');
        int hyphen = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        return hyphen < 0 || fields.Length < hyphen + 4
            ? null
            : new(Plain(fields[4]), fields[2], fields[hyphen + 1], IsReadOnly(fields[5]) || IsReadOnly(fields[hyphen + 3])) { Source = Plain(fields[hyphen + 2]), Root = Plain(fields[3]) };
    }

    private static bool IsReadOnly(string options) => options.Split(',').Contains("ro");

    // A space, a tab, a line's end and a backslash are written as a backslash and three octal digits.
    private static string Plain(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        StringBuilder plain = new();
        for (int at = 0; at < field.Length; at++)
        {
            bool escaped = field[at] == '\\' && at + 3 < field.Length && field.AsSpan(at + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0;
            plain.Append(escaped ? (char)Convert.ToInt32(field.Substring(at + 1, 3), 8) : field[at]);
            at += escaped ? 3 : 0;
        }

        return plain.ToString();
    }
}
