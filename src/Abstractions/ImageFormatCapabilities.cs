namespace EveStorage;

/// <summary>What an image format says of itself.</summary>
public sealed record ImageFormatCapabilities
{
    /// <summary>How many leading bytes <see cref="IImageFormat.Recognizes"/> needs; 0 for a format that is only taken when a person names it.</summary>
    public int SignatureLength { get; init; }

    /// <summary>The ways in which an <see cref="IImageWriter"/> compresses when it is asked to, by the format's own words; empty where it has none.</summary>
    public IReadOnlyList<string> Compressions { get; init; } = [];
}
