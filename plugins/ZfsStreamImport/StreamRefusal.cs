namespace EveStorage.ZfsStreamImport;

/// <summary>Why a sound stream can't be replayed without ZFS.</summary>
internal static class StreamRefusal
{
    // What fits into one piece of an import, with its record.
    private const int LongestEncoded = 2 << 20;

    /// <summary>The first reason; null when there is none.</summary>
    internal static string? Of(StreamSurvey survey)
    {
        ulong from = 0;
        foreach (Substream stream in survey.Streams)
        {
            if ((OfKind(stream) ?? OfContent(stream) ?? OfOrder(stream, from, isFirst: stream == survey.Streams[0])) is string refusal)
            {
                return refusal;
            }

            from = stream.Header.ToGuid;
        }

        return survey.Streams.FindLast(stream => stream.Size is not null)?.Size switch
        {
            null => "never says how large its volume is",
            0 or > long.MaxValue - 4096 => "says that its volume has an impossible size",
            ulong size when size % 512 != 0 => $"says that its volume has {size} bytes, which are no whole sectors",
            _ => null,
        };
    }

    private static string? OfKind(Substream stream)
    {
        StreamFeatures features = stream.Header.Features;
        StreamFeatures unknown = features & ~(StreamFeatures.Replayed | StreamFeatures.Dedup | StreamFeatures.DedupProps | StreamFeatures.Resuming | StreamFeatures.Redacted | StreamFeatures.Raw);
        return unknown != StreamFeatures.None ? $"needs the unknown features 0x{(ulong)unknown:x}: receive it into a ZFS pool that has them"
            : stream.Header.Of == ObjectSetType.FileSystem ? "is of a file system, which has no disk: receive it into a ZFS pool"
            : stream.Header.Of != ObjectSetType.Volume ? $"is of the kind {(uint)stream.Header.Of}, which is no volume: receive it into a ZFS pool"
            : features.HasFlag(StreamFeatures.Raw) ? "is raw, with its data encrypted as it was: receive it into a ZFS pool, or send it without --raw"
            : features.HasFlag(StreamFeatures.Redacted) || stream.CountOf(RecordType.Redact) > 0 ? "is redacted, so that data is missing in it: receive it into a ZFS pool, or send it whole"
            : features.HasFlag(StreamFeatures.Dedup) || features.HasFlag(StreamFeatures.DedupProps) || stream.CountOf(RecordType.WriteByReference) > 0
                ? "is deduplicated: receive it into a ZFS pool, or make it a plain one with `zstream redup`"
            : features.HasFlag(StreamFeatures.Resuming) ? "goes on with a stream that was cut, which is not all of it: receive both into a ZFS pool, or send it from the start"
            : null;
    }

    private static string? OfContent(Substream stream)
        => stream.CountOf(RecordType.Spill) > 0 || stream.CountOf(RecordType.ObjectRange) > 0 ? "has spill blocks or ranges of objects, which no volume has: receive it into a ZFS pool"
            : stream.FreesVolume ? "frees the volume itself: receive it into a ZFS pool"
            : stream.LongestEncoded > LongestEncoded ? $"has compressed blocks of {new ByteSize(stream.LongestEncoded)}, more than 2MiB: receive it into a ZFS pool, or send it without --compressed"
            : null;

    private static string? OfOrder(Substream stream, ulong from, bool isFirst)
        => stream.Header.FromGuid == from ? null
            : isFirst ? $"goes on from the snapshot with guid 0x{stream.Header.FromGuid:x16}, which is not in it: put the streams that lead to it before it in one file, or receive it into a ZFS pool"
            : stream.Header.FromGuid == 0 ? $"has a second volume or file system in it, {stream.Header.ToName}: receive it into a ZFS pool"
            : $"goes on from the snapshot with guid 0x{stream.Header.FromGuid:x16} after that with 0x{from:x16}: receive it into a ZFS pool";
}
