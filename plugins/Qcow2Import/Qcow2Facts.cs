using System.Globalization;

namespace EveStorage.Qcow2Import;

/// <summary>What an open qcow2 says of itself.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Bitmaps">How many dirty bitmaps it has, which are not imported.</param>
/// <param name="Links">The files that it needs.</param>
/// <param name="Codecs">What decodes its clusters.</param>
internal sealed record Qcow2Facts(Qcow2Header Header, uint Bitmaps, IReadOnlyList<ImageLink> Links, ClusterCodecs Codecs)
{
    /// <summary>It for a person.</summary>
    internal IReadOnlyDictionary<string, string> Details => new Dictionary<string, string>(Lines().Select(line => KeyValuePair.Create(line.Name, line.Value)));

    private IEnumerable<(string Name, string Value)> Lines()
    {
        yield return ("version", Header.Version.ToString(CultureInfo.InvariantCulture));
        yield return ("cluster size", new ByteSize(Header.ClusterSize).ToString());
        yield return ("compression", Header.Compression == Qcow2Compression.Zstd ? "zstd" : "zlib");
        yield return ("extended L2", Header.ExtendedL2 ? "yes" : "no");
        if (Header.Features.HasFlag(Qcow2Features.Dirty))
        {
            yield return ("dirty", "yes: its reference counts are stale, and not needed");
        }

        if (Bitmaps > 0)
        {
            yield return ("bitmaps", $"{Bitmaps}, which are not imported");
        }

        foreach (ImageLink link in Links)
        {
            yield return (link.Kind == ImageLinkKind.Backing ? "backing file" : "data file", link.Name);
        }
    }
}
