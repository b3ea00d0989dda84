using System.Globalization;
using System.Text.Json;

namespace EveStorage.Zfs;

/// <summary>Reads <c>zpool status -j --json-int</c>, of OpenZFS 2.3 and newer.</summary>
internal static class PoolReportJson
{
    /// <summary>Reads it.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static PoolReport Read(string printed, string pool)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(printed);
            JsonElement found = document.RootElement.GetProperty("pools").GetProperty(pool);
            Vdev root = found.GetProperty("vdevs").EnumerateObject().Select(ReadVdev).First();
            return new(
                Text(found, "state"), root.Below, found.TryGetProperty("scan_stats", out JsonElement scan) ? ReadScan(scan) : null,
                found.TryGetProperty("error_count", out JsonElement errors) ? Number(errors) : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Io, pool, "zpool prints no status of it", e);
        }
    }

    private static Vdev ReadVdev(JsonProperty vdev)
    {
        JsonElement value = vdev.Value;
        Vdev[] below = value.TryGetProperty("vdevs", out JsonElement members) ? [.. members.EnumerateObject().Select(ReadVdev)] : [];
        return new(
            vdev.Name, Text(value, "vdev_type"), value.GetProperty("guid").ToString(), value.TryGetProperty("path", out JsonElement path) ? path.GetString() : null,
            Text(value, "state"), new(Count(value, "read_errors"), Count(value, "write_errors"), Count(value, "checksum_errors")), below, Count(value, "removing") > 0);
    }

    private static PoolScan ReadScan(JsonElement scan)
    {
        bool running = Text(scan, "state") == "SCANNING";
        double whole = Count(scan, "to_examine");
        double done = Count(scan, "issued");
        return new(
            Text(scan, "function") == "RESILVER", running, running && whole > 0 ? Math.Min(100, done * 100 / whole) : null, Count(scan, "errors"),
            running && Count(scan, "scrub_pause") > 0, Text(scan, "state") == "FINISHED" && Count(scan, "end_time") is > 0 and long end ? DateTimeOffset.FromUnixTimeSeconds(end) : null);
    }

    private static string Text(JsonElement value, string name) => value.GetProperty(name).GetString() ?? "";

    /// <summary>A number; 0 when there is none.</summary>
    internal static long Count(JsonElement value, string name) => value.TryGetProperty(name, out JsonElement number) ? Number(number) : 0;

    // Numbers are such with --json-int; a few stay texts, as "-" for none does.
    private static long Number(JsonElement number)
        => number.ValueKind == JsonValueKind.Number ? number.GetInt64() : long.TryParse(number.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : 0;
}
