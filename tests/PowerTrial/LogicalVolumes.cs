using System.Globalization;
using System.Text.Json;

namespace EveStorage.PowerTrial;

/// <summary>What LVM has, read without the product.</summary>
internal sealed class LogicalVolumes
{
    /// <summary>The words for LVM.</summary>
    internal const string Report = "lvs evestorage-data -a --reportformat json --units m --nosuffix -o lv_name,lv_size,lv_tags,thin_id";

    private const int Overhead = 16;   // a LUKS2 header's, in MiB

    private readonly List<LogicalVolume> _all = [];

    /// <summary>What should not be there.</summary>
    internal List<string> Wrong { get; } = [];

    /// <summary>The volumes, as <see cref="Ledger.Shape"/> has them.</summary>
    internal string Shape { get; private set; } = "";

    internal static LogicalVolumes Read(string report, Moment moment)
    {
        LogicalVolumes read = new();
        using JsonDocument document = JsonDocument.Parse(report);
        foreach (JsonElement row in document.RootElement.GetProperty("report")[0].GetProperty("lv").EnumerateArray())
        {
            read.Add(row);
        }

        HashSet<string> encrypted = [.. moment.Before.Volumes.Concat(moment.UnderWay?.After.Volumes ?? moment.Before.Volumes).Where(volume => volume.Value.Encrypted).Select(volume => volume.Key)];
        read.Shape = string.Join(' ', read._all.Where(lv => !lv.Tags.ContainsKey("of")).OrderBy(lv => lv.Name, StringComparer.Ordinal).Select(lv => Ledger.Describe(
            lv.Name, lv.MebiBytes - (encrypted.Contains(lv.Name) ? Overhead : 0), read.SnapshotsOf(lv.Tags["id"]).Select(snapshot => snapshot.Tags["label"]))));
        read.Wrong.AddRange(read._all.Where(lv => lv.Tags.TryGetValue("of", out string? of) && !read._all.Any(volume => volume.Tags["id"] == of && !volume.Tags.ContainsKey("of")))
            .Select(lv => $"the snapshot {lv.Name} is of no volume"));
        return read;
    }

    /// <summary>The logical volume of a volume.</summary>
    internal string NameOf(string volume) => _all.Any(lv => lv.Name == volume) ? volume.Replace('-', '+') : throw new InvalidOperationException(volume);

    /// <summary>The id of a volume.</summary>
    internal string IdOf(string volume) => _all.First(lv => lv.Name == volume).Tags["id"];

    /// <summary>The number of a snapshot in the thin pool.</summary>
    internal string ThinIdOf(string volume, string label) => SnapshotsOf(IdOf(volume)).First(snapshot => snapshot.Tags["label"] == label).ThinId;

    private IEnumerable<LogicalVolume> SnapshotsOf(string id)
        => _all.Where(lv => lv.Tags.TryGetValue("of", out string? of) && of == id);

    private void Add(JsonElement row)
    {
        string name = row.GetProperty("lv_name").GetString()!, tags = row.GetProperty("lv_tags").GetString()!;
        if (name is "Records" or "Thinpool" or Recording.Foreign || name.StartsWith('['))
        {
            return;
        }

        Dictionary<string, string> ours = tags.Split(',').Where(tag => tag.StartsWith("evestorage.", StringComparison.Ordinal) && tag.Contains('=', StringComparison.Ordinal))
            .Select(tag => tag["evestorage.".Length..].Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        if (!ours.ContainsKey("id") || ours.ContainsKey("making") || ours.ContainsKey("replaced") || ours.ContainsKey("growing")
            || Array.Exists(["tmp", "Incoming.", "Outgoing."], start => name.StartsWith(start, StringComparison.Ordinal)))
        {
            Wrong.Add($"{name} is left ({tags})");
            return;
        }

        int size = (int)double.Parse(row.GetProperty("lv_size").GetString()!, CultureInfo.InvariantCulture);
        _all.Add(new(ours.ContainsKey("of") ? name : name.Replace('+', '-'), size, row.GetProperty("thin_id").GetString()!, ours));
    }

    private sealed record LogicalVolume(string Name, int MebiBytes, string ThinId, Dictionary<string, string> Tags);
}
