using System.Text.Json;
using EveStorage.Host.Api;

namespace EveStorage.Host.Operations;

/// <summary>An operation as the journal keeps it: what was asked for, the ids drawn for it, and how far it is.</summary>
internal sealed record OperationDocument
{
    /// <summary>The newest format that this program reads, and the one that it writes.</summary>
    internal const int CurrentFormat = 3;

    /// <summary>The document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The ids drawn for what it makes, by name.</summary>
    public required IReadOnlyDictionary<string, Guid> Ids { get; init; }

    /// <summary>
    /// The ids of what it names and what was there, by name: a volume's, a snapshot's (<c>vm42@before</c>), or <c>pool:</c> and
    /// a pool's. Format 1 had none.
    /// </summary>
    public IReadOnlyDictionary<string, Guid> Targets { get; init; } = new Dictionary<string, Guid>();

    /// <summary>What an import has copied; null when nothing that could be gone on with. Formats 1 and 2 had none.</summary>
    public CopyMark? Copied { get; init; }

    /// <summary>The operation as everybody sees it.</summary>
    public required OperationReport Operation { get; init; }

    /// <summary>What its steps know of it.</summary>
    internal OperationRequest ToRequest() => new() { Id = Operation.Id, Ids = Ids };

    /// <summary>Reads a document.</summary>
    /// <exception cref="StorageException">A newer program wrote it, or it is damaged.</exception>
    internal static OperationDocument Read(ReadOnlySpan<byte> bytes, string subject)
    {
        try
        {
            // The number first, by itself: what else a newer document holds is not ours to judge.
            int format = JsonDocument.Parse(bytes.ToArray()).RootElement.GetProperty("format").GetInt32();
            return format switch
            {
                > CurrentFormat => throw new StorageException(
                    StorageErrorKind.NotSupported, subject, $"has format {format}; this program reads up to {CurrentFormat}"),
                < 1 => throw new StorageException(StorageErrorKind.Corrupt, subject, $"has format {format}"),
                _ => JsonSerializer.Deserialize<OperationDocument>(bytes, ApiJson.Compact)!,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"is no operation's record ({e.Message})", e);
        }
    }

    /// <summary>Whether a document is of an operation that has ended for good, told by its state alone; false where that is not found in it.</summary>
    internal static bool HasEnded(ReadOnlySpan<byte> bytes)
    {
        const int InDocument = 1;
        const int InOperation = 2;
        Utf8JsonReader reader = new(bytes);
        try
        {
            bool isWithin = false;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == InDocument)
                {
                    isWithin = reader.ValueTextEquals("operation"u8);
                }
                else if (isWithin && reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == InOperation && reader.ValueTextEquals("state"u8))
                {
                    return reader.Read() && reader.TokenType == JsonTokenType.String
                        && (reader.ValueTextEquals("succeeded"u8) || reader.ValueTextEquals("failed"u8) || reader.ValueTextEquals("cancelled"u8) || reader.ValueTextEquals("cleared"u8));
                }
            }
        }
        catch (JsonException)
        {
            // reading it tells what is wrong with it
        }

        return false;
    }

    /// <summary>Its bytes.</summary>
    internal byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ApiJson.Compact);
}
