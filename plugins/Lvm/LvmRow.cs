using System.Globalization;
using System.Text.Json;

namespace EveStorage.Lvm;

/// <summary>One row of a report of LVM's.</summary>
internal sealed class LvmRow
{
    private readonly Dictionary<string, string> _fields;

    private LvmRow(Dictionary<string, string> fields) => _fields = fields;

    /// <summary>A field, which the report was asked for.</summary>
    /// <exception cref="StorageException">The report lacks it.</exception>
    internal string this[string field]
        => _fields.TryGetValue(field, out string? value) ? value : throw new StorageException(StorageErrorKind.Io, "lvm", $"reports no {field}");

    /// <summary>Reads a report: <c>{"report":[{"lv":[{…}]}]}</c>.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static IReadOnlyList<LvmRow> Read(JsonDocument report, string kind)
    {
        try
        {
            return [.. report.RootElement.GetProperty("report").EnumerateArray()
                .SelectMany(part => part.GetProperty(kind).EnumerateArray())
                .Select(row => new LvmRow(row.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.GetString() ?? "")))];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new StorageException(StorageErrorKind.Io, "lvm", $"prints no report of {kind}", e);
        }
    }

    /// <summary>A size in bytes.</summary>
    internal ByteSize Size(string field) => new(Long(field) ?? 0);

    /// <summary>A whole number; null when it has none.</summary>
    internal long? Long(string field)
        => this[field] is { Length: > 0 } text
            ? long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : throw Wrong(field, text)
            : null;

    /// <summary>A percentage; null when it has none.</summary>
    internal double? Percent(string field)
        => this[field] is { Length: > 0 } text
            ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Wrong(field, text)
            : null;

    private static StorageException Wrong(string field, string text) => new(StorageErrorKind.Io, "lvm", $"reports {field} as '{text}'");
}
