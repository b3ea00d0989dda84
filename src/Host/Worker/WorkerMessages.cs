using EveStorage.Host.Api;
using EveStorage.Host.Images;

namespace EveStorage.Host.Worker;

/// <summary>What a worker is asked: the one line on its standard input.</summary>
internal sealed record WorkerRequest
{
    /// <summary>The folders of the format plugins to try. Only these are loaded.</summary>
    public required IReadOnlyList<string> Plugins { get; init; }

    /// <summary>The format; null for the first that recognizes the image.</summary>
    public string? Format { get; init; }

    /// <summary>What the image is called, for messages.</summary>
    public required string ImageName { get; init; }

    /// <summary>Whether to go over all of the image when only looking, and not just to open it.</summary>
    public bool GoOver { get; init; }

    /// <summary>What to do; null to only look.</summary>
    public ImportOrder? Import { get; init; }
}

/// <summary>What to import.</summary>
internal sealed record ImportOrder
{
    /// <summary>The size of the volume: the disk has to fit.</summary>
    public required ByteSize VolumeSize { get; init; }

    /// <summary>Whether the volume reads as zeros, so that zeros need not be written.</summary>
    public required bool ReadsZero { get; init; }

    /// <summary>The most that may be written.</summary>
    public required ByteSize WriteBudget { get; init; }

    /// <summary>Whether to read the volume back and compare.</summary>
    public bool Verify { get; init; }
}

/// <summary>What a worker says: lines on its standard output, of which the last is an answer.</summary>
internal sealed record WorkerMessage
{
    /// <summary>How far it is.</summary>
    public WorkerProgress? Progress { get; init; }

    /// <summary>The answer to looking.</summary>
    public ImageReport? Report { get; init; }

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
/// <param name="Done">Bytes that are done: of the file while it is opened, else of the disk.</param>
/// <param name="Total">Bytes in all.</param>
internal sealed record WorkerProgress(WorkerPhase Phase, ByteSize Done, ByteSize Total);

/// <summary>What an import came to.</summary>
/// <param name="Written">Bytes that were written; the rest reads as zero.</param>
/// <param name="Digest">SHA-256 of the disk, the same in image and volume; null when it was not asked for.</param>
internal sealed record ImportResult(ByteSize Written, string? Digest);
