using System.Globalization;

namespace EveStorage.ZfsStreamImport;

/// <summary>What a person wants to know of a stream. Its length is bounded, whatever the stream holds.</summary>
internal static class StreamDetails
{
    private const int MostListed = 16;

    /// <summary>Describes what was found.</summary>
    internal static IReadOnlyDictionary<string, string> Of(StreamSurvey survey)
    {
        Substream last = survey.Streams[^1];
        StreamFeatures features = survey.Streams.Aggregate(StreamFeatures.None, (all, stream) => all | stream.Header.Features);
        Dictionary<string, string> details = new()
        {
            ["stream"] = $"{(survey.Streams.Count > 1 ? $"{survey.Streams.Count} streams" : last.Header.FromGuid == 0 ? "full" : "incremental")}{(survey.Packages.Count > 0 ? " in a package" : "")}",
            ["of"] = string.Join(", ", survey.Streams.Select(stream => stream.Header.Of).Distinct().Order().Take(MostListed).Select(NameOf)),
            ["snapshot"] = last.Header.ToName,
            ["created"] = last.Header.Created?.ToString("u", CultureInfo.InvariantCulture) ?? "unknown",
            ["guids"] = GuidsOf(survey.Streams),
            ["features"] = features == StreamFeatures.None ? "none" : NamesOf(features),
            ["byte order"] = survey.Streams.Exists(stream => stream.Header.Swapped) ? "big-endian" : "little-endian",
            ["records"] = CountsOf(survey.Streams),
        };
        if (survey.Streams.FindLast(stream => stream.BlockSize != 0 && stream.Header.Of == ObjectSetType.Volume) is Substream sized)
        {
            details["block size"] = new ByteSize(sized.BlockSize).ToString();
            details["compression"] = string.Join(", ", survey.Streams.SelectMany(stream => stream.Compressions).Distinct().Order()).ToLowerInvariant();
        }

        return details;
    }

    private static string NameOf(ObjectSetType type)
        => type switch { ObjectSetType.Volume => "volume", ObjectSetType.FileSystem => "file system", _ => $"kind {(uint)type}" };

    private static string GuidsOf(List<Substream> streams)
    {
        IEnumerable<string> shown = streams.Take(MostListed).Select(stream => stream.Header.FromGuid == 0 ? $"{stream.Header.ToGuid:x16}" : $"{stream.Header.FromGuid:x16} -> {stream.Header.ToGuid:x16}");
        return string.Join(", ", shown) + (streams.Count > MostListed ? $", and {streams.Count - MostListed} more to {streams[^1].Header.ToGuid:x16}" : "");
    }

    // As `zstream dump` and the sources spell them: EMBED_DATA is embed_data.
    private static string NamesOf(StreamFeatures features)
        => string.Join(", ", Enumerable.Range(0, 56).Select(bit => (StreamFeatures)(1UL << bit)).Where(feature => features.HasFlag(feature))
            .Select(feature => Enum.IsDefined(feature) ? Spelled(feature.ToString()) : $"0x{(ulong)feature:x}"));

    private static string Spelled(string name)
        => string.Concat(name.Select((character, i) => char.IsAsciiLetterUpper(character) && i > 0 ? $"_{char.ToLowerInvariant(character)}" : $"{char.ToLowerInvariant(character)}"));

    private static string CountsOf(List<Substream> streams)
        => string.Join(", ", Enum.GetValues<RecordType>().Select(type => (Type: type, Count: streams.Sum(stream => stream.CountOf(type))))
            .Where(counted => counted.Count > 0 && counted.Type != RecordType.End)
            .Select(counted => $"{counted.Count} {Spelled(counted.Type.ToString())}"));
}
