namespace EveStorage.Host.Operations;

/// <summary>How much of an image an import has copied, so that it survives a crash: what the same import, asked for again, need not read.</summary>
internal sealed record CopyMark
{
    /// <summary>Which image in which state: of a file its place and its times, of a URL what its server tells states by.</summary>
    public required string Source { get; init; }

    /// <summary>The same of the files that it names.</summary>
    public string Links { get; init; } = "";

    /// <summary>How much of the disk, in the order in which the image tells it.</summary>
    public required ByteSize Copied { get; init; }

    /// <summary>The SHA-256 that the image's file was found to have; null where none was asked for, or not before it is copied.</summary>
    public string? Sha256 { get; init; }
}
