using System.Text;
using System.Text.RegularExpressions;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// Which snapshots are asked for, in containerd's own words: <c>kind==active,labels."a.b"~=x</c>. All that stands between commas has
/// to hold, and one of several filters does.
/// </summary>
internal sealed class SnapshotFilter
{
    private static readonly TimeSpan s_matching = TimeSpan.FromSeconds(1);
    private static readonly string[] s_operators = ["==", "!=", "~="];

    private readonly List<Func<SnapshotRecord, bool>> _all = [];

    private SnapshotFilter()
    {
    }

    /// <summary>Reads several, of which one has to hold; none at all lets every snapshot pass.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: one is none.</exception>
    internal static Func<SnapshotRecord, bool> Parse(IReadOnlyList<string> filters)
    {
        SnapshotFilter[] parsed = [.. filters.Select(Parse)];
        return record => parsed.Length == 0 || Array.Exists(parsed, filter => filter._all.TrueForAll(holds => holds(record)));
    }

    private static SnapshotFilter Parse(string text)
    {
        SnapshotFilter filter = new();
        int at = 0;
        while (at < text.Length)
        {
            List<string> field = [Word(text, ref at, ".,=!~")];
            while (at < text.Length && text[at] == '.')
            {
                at++;
                field.Add(Word(text, ref at, ".,=!~"));
            }

            string? sign = Array.Find(s_operators, sign => string.CompareOrdinal(text, at, sign, 0, sign.Length) == 0);
            at += sign?.Length ?? 0;
            string value = sign is null ? "" : Word(text, ref at, ",");
            filter._all.Add(Condition(field, sign, value, text));
            if (at < text.Length && text[at] != ',')
            {
                throw Invalid(text);
            }

            at++;
        }

        return filter;
    }

    private static Func<SnapshotRecord, bool> Condition(List<string> field, string? sign, string value, string text)
    {
        Func<SnapshotRecord, string?> read = field switch
        {
            ["name"] => static record => record.Key,
            ["parent"] => static record => record.Parent,
            ["kind"] => static record => $"{record.Kind}".ToLowerInvariant(),
            ["labels", .. { Count: > 0 } label] => record => record.Labels.GetValueOrDefault(string.Join('.', label)),
            _ => static _ => null,
        };
        Regex? pattern = sign == "~=" ? Pattern(value, text) : null;
        return sign switch
        {
            "==" => record => read(record) == value,
            "!=" => record => read(record) != value,
            "~=" => record => read(record) is string found && pattern!.IsMatch(found),
            _ => record => !string.IsNullOrEmpty(read(record)),
        };
    }

    private static Regex Pattern(string value, string text)
    {
        try
        {
            return new(value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, s_matching);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw Invalid(text);
        }
    }

    // A word of its own, or one in quotes, in which a backslash takes the next letter as it is.
    private static string Word(string text, ref int at, string ends)
    {
        StringBuilder word = new();
        if (at < text.Length && text[at] is '"' or '/')
        {
            char quote = text[at++];
            for (; at < text.Length && text[at] != quote; at++)
            {
                at += text[at] == '\\' && at + 1 < text.Length ? 1 : 0;
                word.Append(text[at]);
            }

            at++;
            return word.ToString();
        }

        for (; at < text.Length && !ends.Contains(text[at], StringComparison.Ordinal); at++)
        {
            word.Append(text[at]);
        }

        return word.Length > 0 ? word.ToString() : throw Invalid(text);
    }

    private static StorageException Invalid(string text) => new(StorageErrorKind.InvalidConfiguration, text, "is no filter of snapshots");
}
