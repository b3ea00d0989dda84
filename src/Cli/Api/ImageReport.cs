namespace EveStorage.Cli.Api;

/// <summary>What an image holds, as <c>image inspect</c> shows it.</summary>
internal sealed record ImageReport
{
    /// <summary>Its format.</summary>
    public required string Format { get; init; }

    /// <summary>The size of the disk in it.</summary>
    public required ByteSize VirtualSize { get; init; }

    /// <summary>How much of the disk is data, and not zeros or holes; null where the image was not gone over.</summary>
    public ByteSize? DataSize { get; init; }

    /// <summary>The image's own length; null for a stream.</summary>
    public ByteSize? SourceSize { get; init; }

    /// <summary>What it is wrapped in, as <c>gzip</c>; null for nothing.</summary>
    public string? Wrapping { get; init; }

    /// <summary>Whether its bytes come once and in order: it comes through a pipe, or is wrapped.</summary>
    public bool IsStream { get; init; }

    /// <summary>Whether it is as long as whoever asks said, since the stream of its format does not say.</summary>
    public bool NeedsLength { get; init; }

    /// <summary>Whether its disk can be read in any order, so that a volume may be used before it is copied.</summary>
    public bool InAnyOrder { get; init; }

    /// <summary>The earlier states of the disk that it keeps; none of a stream is told.</summary>
    public IReadOnlyList<SnapshotInImage> Snapshots { get; init; } = [];

    /// <summary>What the jail of its reader lacks on this machine; null when nothing.</summary>
    public string? JailLacks { get; init; }

    /// <summary>What else its format says, by the format's own terms.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>Why no volume can be made of it here; null when one can.</summary>
    public ErrorReport? Refusal { get; init; }
}

/// <summary>An earlier state of the disk in an image.</summary>
/// <param name="Id">Its id there.</param>
/// <param name="Name">Its name.</param>
/// <param name="VirtualSize">The size that the disk had.</param>
/// <param name="Taken">When it was taken.</param>
internal sealed record SnapshotInImage(string Id, string Name, ByteSize VirtualSize, DateTimeOffset Taken);
