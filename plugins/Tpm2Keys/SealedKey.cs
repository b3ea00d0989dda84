using System.Text.Json;
using System.Text.Json.Serialization;
using EveStorage.Linux;

namespace EveStorage.Tpm2Keys;

/// <summary>A key as only its TPM can open it. Nothing of it is secret.</summary>
internal sealed record SealedKey
{
    /// <summary>The newest format, and the one that is written.</summary>
    internal const int CurrentFormat = 1;

    // A public and a private part of a few hundred bytes, and a digest for each PCR.
    private const int MaxLength = 64 << 10;

    /// <summary>The format's number.</summary>
    public required int Format { get; init; }

    /// <summary>Who made it, in which operation.</summary>
    public required OwnerMark Mark { get; init; }

    /// <summary>The bank of <see cref="Pcrs"/>.</summary>
    public required string Bank { get; init; }

    /// <summary>What each PCR was, by its number.</summary>
    public required SortedDictionary<int, byte[]> Pcrs { get; init; }

    /// <summary>TPM2B_PUBLIC, as tpm2_create wrote it.</summary>
    public required byte[] Public { get; init; }

    /// <summary>TPM2B_PRIVATE, which its parent in the TPM encrypted.</summary>
    public required byte[] Private { get; init; }

    /// <summary>Reads it from <paramref name="path"/>.</summary>
    /// <exception cref="StorageException">It is none, or of a newer format.</exception>
    internal static SealedKey Read(string path, string subject)
    {
        byte[] document = FileCalls.Run(subject, () => new FileInfo(path).Length <= MaxLength ? File.ReadAllBytes(path) : []);
        try
        {
            // The number first, by itself: what else a newer document holds is not ours to judge.
            int format = JsonSerializer.Deserialize(document, SealedJson.Default.FormatOnly)?.Format ?? 0;
            return format switch
            {
                > CurrentFormat => throw new StorageException(StorageErrorKind.NotSupported, subject, $"has format {format}; this program reads up to {CurrentFormat}"),
                < 1 => throw new StorageException(StorageErrorKind.Corrupt, subject, $"has format {format}"),
                _ => JsonSerializer.Deserialize(document, SealedJson.Default.SealedKey)!,
            };
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"{path} holds no sealed key", e);
        }
    }

    /// <summary>As it is written.</summary>
    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, SealedJson.Default.SealedKey);
}

/// <summary>The format's number, whatever else is there.</summary>
internal sealed record FormatOnly(int Format);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SealedKey))]
[JsonSerializable(typeof(FormatOnly))]
internal sealed partial class SealedJson : JsonSerializerContext;
