using System.Text.Json;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Lazy;

/// <summary>Which image a volume lies over, as the map keeps it. It is written once.</summary>
internal sealed record ImageNote
{
    /// <summary>The newest format that this program reads, and the one that it writes.</summary>
    internal const int CurrentFormat = 1;

    /// <summary>The note's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The volume.</summary>
    public required Guid Volume { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Of how many bytes each bit of the map tells.</summary>
    public required int Granule { get; init; }

    /// <summary>Whether the volume reads as zeros where nothing was ever written.</summary>
    public required bool ReadsZero { get; init; }

    /// <summary>What the image is called.</summary>
    public required string ImageName { get; init; }

    /// <summary>Where its file lies; null for one at a URL.</summary>
    public string? Path { get; init; }

    /// <summary>Its URL; null for a file.</summary>
    public string? Url { get; init; }

    /// <summary>Which image in which state it is.</summary>
    public required string Identity { get; init; }

    /// <summary>The same of the files that it names.</summary>
    public string LinksIdentity { get; init; } = "";

    /// <summary>The image's format.</summary>
    public required string ImageFormat { get; init; }

    /// <summary>The snapshot in it that is meant; null for its disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The SHA-256 that its file must have; null when that is not known.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Reads one.</summary>
    /// <exception cref="StorageException">A newer program wrote it, or it is damaged.</exception>
    internal static ImageNote Read(ReadOnlySpan<byte> bytes, string subject)
    {
        try
        {
            // The number first, by itself: what else a newer note holds is not ours to judge.
            int format = JsonDocument.Parse(bytes.ToArray()).RootElement.GetProperty("format").GetInt32();
            return format == CurrentFormat
                ? JsonSerializer.Deserialize<ImageNote>(bytes, ApiJson.Compact)!
                : throw new StorageException(StorageErrorKind.NotSupported, subject, $"has a map of format {format}; this program reads {CurrentFormat}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"has a map that does not say of which image ({e.Message})", e);
        }
    }

    /// <summary>Its bytes.</summary>
    internal byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ApiJson.Compact);
}
