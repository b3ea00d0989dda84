using System.Collections.Frozen;
using System.Formats.Tar;
using ZstdSharp;

namespace EveStorage.Tests;

/// <summary>Streams that OpenZFS 2.3.6 wrote: Streams/README.md says of what and how.</summary>
internal static class RealStreams
{
    private static readonly Lazy<FrozenDictionary<string, byte[]>> s_bytes = new(Unpack);

    /// <summary>All of them, by name.</summary>
    internal static IReadOnlyList<RealStream> All { get; } =
        [.. Lines("manifest.tsv").Select(line => line.Split('\t'))
            .Where(row => row[1].Length > 0)
            .Select(row => new RealStream(row[0], long.TryParse(row[4], out long size) ? size : null, row[5]))];

    /// <summary>The one of that name, as <c>vol-lz4-16k.Lec.zs</c>: a copy, which a test may damage while others read theirs.</summary>
    internal static byte[] Bytes(string name) => [.. s_bytes.Value[name]];

    /// <summary>The one of that name.</summary>
    internal static RealStream Named(string name) => All.Single(stream => stream.Name == name);

    /// <summary>The lines of a file beside them.</summary>
    internal static IEnumerable<string> Lines(string file) => File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Streams", file));

    private static FrozenDictionary<string, byte[]> Unpack()
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Streams", "streams.tar.zst"));
        using DecompressionStream tar = new(file);
        using TarReader reader = new(tar);
        Dictionary<string, byte[]> streams = [];
        while (reader.GetNextEntry(copyData: true) is TarEntry entry)
        {
            byte[] bytes = new byte[entry.Length];
            entry.DataStream!.ReadExactly(bytes);
            streams.Add(entry.Name, bytes);
        }

        return streams.ToFrozenDictionary();
    }
}

/// <summary>A stream of OpenZFS.</summary>
/// <param name="Name">Its file.</param>
/// <param name="VolumeSize">The size of its volume; null where it has none, or not all.</param>
/// <param name="Content">The SHA-256 of the volume's bytes once it is received; else what it is of.</param>
internal sealed record RealStream(string Name, long? VolumeSize, string Content)
{
    internal byte[] Bytes => RealStreams.Bytes(Name);
}
