using EveStorage.Host.Api;

namespace EveStorage.Host.Images;

/// <summary>What an image holds, as <c>image inspect</c> shows it.</summary>
internal sealed record ImageReport
{
    /// <summary>Its format.</summary>
    public required string Format { get; init; }

    /// <summary>The size of the disk in it.</summary>
    public required ByteSize VirtualSize { get; init; }

    /// <summary>How much of the disk is data, and not zeros or holes; null where the image was not gone over.</summary>
    public ByteSize? DataSize { get; init; }

    /// <summary>The image's own length.</summary>
    public required ByteSize SourceSize { get; init; }

    /// <summary>What else its format says, by the format's own terms.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>Why no volume can be made of it here; null when one can.</summary>
    public ErrorReport? Refusal { get; init; }
}
