using EveStorage.Cli.Api;
using EveStorage.Host.Images;

namespace EveStorage.Host.Worker;

/// <summary>
/// What a worker is asked: the first line on its standard input. Through its socket come the image, the files of the links and,
/// where an import is asked for at once, the volume and the spool.
/// </summary>
internal sealed record WorkerRequest
{
    /// <summary>The folders of the format plugins to try. Only these are loaded.</summary>
    public required IReadOnlyList<string> Plugins { get; init; }

    /// <summary>The format; null for the one that recognizes the image.</summary>
    public string? Format { get; init; }

    /// <summary>What the image is called, for messages.</summary>
    public required string ImageName { get; init; }

    /// <summary>Whether to go over all of the image when only looking, and not just to open it.</summary>
    public bool GoOver { get; init; }

    /// <summary>Whether the image comes through a pipe.</summary>
    public bool IsPipe { get; init; }

    /// <summary>How long the image is where the host reads it for the worker, which asks for ranges; null where the image is a descriptor.</summary>
    public ByteSize? RangedLength { get; init; }

    /// <summary>How long the disk is, for a format whose streams don't say; null when nobody said.</summary>
    public ByteSize? StreamLength { get; init; }

    /// <summary>The snapshot in it that is meant; null for its disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The other files that images name, as far as they are open.</summary>
    public IReadOnlyList<OpenLink> Links { get; init; } = [];

    /// <summary>
    /// Whether an order to import may follow the answer to looking, on the next line. The volume and the spool then come through the socket.
    /// </summary>
    public bool Keeps { get; init; }

    /// <summary>What to do; null to only look.</summary>
    public ImportOrder? Import { get; init; }

    /// <summary>How long the disk is that it serves; null when it serves none. Requests come through the descriptor that follows those of the links, answers go through the next one.</summary>
    public ByteSize? Serves { get; init; }
}

/// <summary>A file that an image names, opened by the host.</summary>
/// <param name="Of">Which image names it: 0 for the first, or the number of the link that it was opened for.</param>
/// <param name="Link">As that image has it.</param>
internal sealed record OpenLink(int Of, ImageLink Link);

/// <summary>Bytes of an image that a worker asks its host for. They come through its descriptor of the image.</summary>
/// <param name="Offset">Where they begin.</param>
/// <param name="Length">How many: no more than the image has there.</param>
internal sealed record ByteRange(long Offset, int Length)
{
    /// <summary>The most that is asked for at once.</summary>
    internal const int Most = 1 << 20;
}

/// <summary>What to import.</summary>
internal sealed record ImportOrder
{
    /// <summary>The size of the volume: the disk has to fit.</summary>
    public required ByteSize VolumeSize { get; init; }

    /// <summary>Whether the volume reads as zeros, so that zeros need not be written.</summary>
    public required bool ReadsZero { get; init; }

    /// <summary>Whether image and volume may lie where they can share blocks, so that they need not be read.</summary>
    public bool Shares { get; init; }

    /// <summary>The most that may be written.</summary>
    public required ByteSize WriteBudget { get; init; }

    /// <summary>The size of a volume that keeps what of a stream is needed later; null when there is none.</summary>
    public ByteSize? SpoolSize { get; init; }

    /// <summary>Whether to read the volume back and compare.</summary>
    public bool Verify { get; init; }

    /// <summary>How much of the disk, in the order in which the image tells it, the volume has from an import that was cut short.</summary>
    public ByteSize From { get; init; }

    /// <summary>Whether to tell how much survives a crash, as it copies.</summary>
    public bool Marks { get; init; }
}

/// <summary>What a worker says: lines on its standard output, of which the last is an answer.</summary>
internal sealed record WorkerMessage
{
    /// <summary>What starting took of the processors, told before it looks at the image.</summary>
    public TimeSpan? Started { get; init; }

    /// <summary>How far it is.</summary>
    public WorkerProgress? Progress { get; init; }

    /// <summary>What it wants to read; it waits until that has come.</summary>
    public ByteRange? Wants { get; init; }

    /// <summary>How much of the disk, in the order in which the image tells it, survives a crash.</summary>
    public ByteSize? Safe { get; init; }

    /// <summary>What its jail lacks on this kernel; null when nothing.</summary>
    public string? Lacks { get; init; }

    /// <summary>The most memory that it held, by its own word.</summary>
    public ByteSize? PeakMemory { get; init; }

    /// <summary>What it took of the processors, by its own word.</summary>
    public TimeSpan? Processors { get; init; }

    /// <summary>A file that it needs first.</summary>
    public OpenLink? Needs { get; init; }

    /// <summary>The answer to looking.</summary>
    public ImageReport? Report { get; init; }

    /// <summary>With that answer: whether it waits for an order to import what it looked at.</summary>
    public bool Waits { get; init; }

    /// <summary>The answer to an import.</summary>
    public ImportResult? Result { get; init; }

    /// <summary>Why it did not.</summary>
    public ErrorReport? Error { get; init; }
}

/// <summary>What a worker does, in this order.</summary>
internal enum WorkerPhase
{
    /// <summary>Opens the image, for which it may have to go over all of the file.</summary>
    Open,

    /// <summary>Copies it, or looks at all of it.</summary>
    Copy,

    /// <summary>Reads image and volume once more.</summary>
    Compare,
}

/// <summary>How far a worker is.</summary>
/// <param name="Phase">With what.</param>
/// <param name="Done">Bytes that are done: of the file while it is opened, else of the disk and, of a stream, those that were kept or passed over.</param>
/// <param name="Total">Bytes in all, as far as is known.</param>
internal sealed record WorkerProgress(WorkerPhase Phase, ByteSize Done, ByteSize Total);

/// <summary>What an import came to.</summary>
/// <param name="Written">Bytes that were written; the rest reads as zero.</param>
/// <param name="Spooled">Bytes of a stream that were kept until they were needed.</param>
/// <param name="Digest">SHA-256 of the disk, the same in image and volume; null when it was not asked for.</param>
internal sealed record ImportResult(ByteSize Written, ByteSize Spooled, string? Digest)
{
    /// <summary>Bytes of the image that were read where it is a file.</summary>
    public ByteSize Read { get; init; }
}
