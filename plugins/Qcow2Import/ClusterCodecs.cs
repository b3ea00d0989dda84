using EveStorage.Linux;

namespace EveStorage.Qcow2Import;

/// <summary>
/// What clusters are decoded and encoded by: the system's libraries where it has them, and else managed code, which is always
/// there. They are looked for when a format is made, so that a worker has them before its jail closes.
/// </summary>
/// <param name="Deflate">libdeflate; null for the framework's inflater.</param>
/// <param name="Zstd">libzstd; null for its port to managed code.</param>
internal sealed record ClusterCodecs(DeflateLibrary? Deflate, ZstdLibrary? Zstd)
{
    // The largest cluster has 2^21 bytes; a frame that wants a larger window only wants memory.
    private const int MaxWindowLog = 22;

    /// <summary>Managed code alone.</summary>
    internal static ClusterCodecs Managed { get; } = new(null, null);

    /// <summary>Looks for the libraries.</summary>
    internal static ClusterCodecs Find() => new(DeflateLibrary.Find(), ZstdLibrary.Find());

    /// <summary>Makes a decoder of zstd frames, for one thread at a time.</summary>
    internal IFrameDecoder MakeFrameDecoder() => Zstd is null ? new PortedFrameDecoder(MaxWindowLog) : new LibraryFrameDecoder(Zstd.MakeDecoder(MaxWindowLog));
}
