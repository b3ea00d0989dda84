namespace EveStorage.Tests;

/// <summary>Which of the real streams replay by themselves, which together, and which not.</summary>
internal static class RealStreamCases
{
    // Where in tree.R.zs the stream of the clone's origin lies.
    private static readonly Range s_origin = 47252..518996;

    /// <summary>Those that are refused, each with a part of its sentence.</summary>
    internal static IReadOnlyDictionary<string, string> Refused { get; } = new Dictionary<string, string>
    {
        ["vol-inc.i12.zs"] = "goes on from the snapshot with guid 0x5d053c8cec3752bd",
        ["vol-inc.i23.c.zs"] = "goes on from the snapshot with guid 0x5270dc4cdeff09cf",
        ["vol-inc.i34.Lec.zs"] = "goes on from the snapshot with guid 0x499fed56d6600788",
        ["vol-inc.I14.zs"] = "goes on from the snapshot with guid 0x5d053c8cec3752bd",
        ["vol-inc.I14.c.zs"] = "goes on from the snapshot with guid 0x5d053c8cec3752bd",
        ["vol-inc.bm.zs"] = "goes on from the snapshot with guid 0x5d053c8cec3752bd",
        ["clone.i-origin.zs"] = "goes on from the snapshot with guid 0x93be56e802754744",
        ["tree.R.zs"] = "is of a file system",
        ["tree.Rw.zs"] = "is of a file system",
        ["enc-aes-256-gcm.w.zs"] = "is raw",
        ["enc-aes-256-gcm.w.i.zs"] = "is raw",
        ["enc-aes-128-ccm.w.zs"] = "is raw",
        ["enc-aes-128-ccm.w.i.zs"] = "is raw",
        ["vol-res.resumed.zs"] = "goes on with a stream that was cut",
        ["fs-lz4-128k.Lec.zs"] = "is of a file system",
        ["fs-zstd-1m.Lec.zs"] = "is of a file system",
        ["fs-zstd-1m.inc.Lec.zs"] = "is of a file system",
        ["fs-zstd-1m.full2.Lec.zs"] = "is of a file system",
        ["fs-enc.w.zs"] = "is of a file system",
        ["layer.base.zs"] = "is of a file system",
        ["layer.diff.zs"] = "is of a file system",
        ["vol-inc.redacted.zs"] = "is redacted",
    };

    /// <summary>Those that replay by themselves.</summary>
    internal static IReadOnlyList<RealStream> Whole { get; }
        = [.. RealStreams.All.Where(stream => stream.Content.Length == 64 && !Refused.ContainsKey(stream.Name))];

    /// <summary>Those that replay one after the other.</summary>
    internal static IReadOnlyList<string[]> Chains { get; } =
    [
        ["vol-inc.full.zs", "vol-inc.i12.zs"],
        ["vol-inc.full.zs", "vol-inc.i12.zs", "vol-inc.i23.c.zs"],
        ["vol-inc.full.zs", "vol-inc.i12.zs", "vol-inc.i23.c.zs", "vol-inc.i34.Lec.zs"],
        ["vol-inc.full.zs", "vol-inc.I14.zs"],
        ["vol-inc.full.zs", "vol-inc.I14.c.zs"],
        ["vol-inc.full.zs", "vol-inc.bm.zs"],
        ["vol-inc.full.zs", "vol-inc.bm.zs", "vol-inc.i34.Lec.zs"],
        ["origin", "clone.i-origin.zs"],
    ];

    /// <summary>The bytes of a stream that a chain names.</summary>
    internal static byte[] BytesOf(string name) => name == "origin" ? RealStreams.Bytes("tree.R.zs")[s_origin] : RealStreams.Bytes(name);

    /// <summary>All that replays, as one source each.</summary>
    internal static IEnumerable<(string Name, byte[] Bytes, string Content)> All
        => Whole.Select(stream => (stream.Name, stream.Bytes, stream.Content))
            .Concat(Chains.Select(chain => (string.Join(' ', chain), chain.SelectMany(BytesOf).ToArray(), RealStreams.Named(chain[^1]).Content)));
}
