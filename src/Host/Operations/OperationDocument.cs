using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EveStorage.Cli.Api;

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

    /// <summary>
    /// Its bytes. Most of it is written by hand: each command that changes something writes some, and what a serializer makes of our
    /// types when it first meets them takes longer than the rest of a short command.
    /// </summary>
    internal byte[] Write()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            Write(json, "ids", Ids);
            Write(json, "targets", Targets);
            if (Copied is not null)
            {
                Write(json, "copied", Copied, JournalJson.Ours.CopyMark);
            }

            json.WriteStartObject("operation");
            WriteOperation(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private void WriteOperation(Utf8JsonWriter json)
    {
        json.WriteString("id", Operation.Id);
        Write(json, "request", Operation.Request, JournalJson.Ours.ChangeRequest);
        json.WriteNumber("userId", Operation.UserId);
        json.WriteString("started", Operation.Started);
        if (Operation.Ended is DateTimeOffset ended)
        {
            json.WriteString("ended", ended);
        }

        json.WriteString("state", JsonNamingPolicy.KebabCaseLower.ConvertName($"{Operation.State}"));
        json.WriteStartArray("steps");
        foreach (StepReport step in Operation.Steps)
        {
            json.WriteStartObject();
            json.WriteString("title", step.Title);
            json.WriteString("outcome", step.Outcome);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (Operation.Progress is not null)
        {
            Write(json, "progress", Operation.Progress, JournalJson.Ours.ProgressReport);
        }

        if (Operation.Error is not null)
        {
            Write(json, "error", Operation.Error, JournalJson.Ours.ErrorReport);
        }

        json.WriteStartObject("results");
        foreach ((string name, string result) in Operation.Results)
        {
            json.WriteString(name, result);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, Guid> ids)
    {
        json.WriteStartObject(name);
        foreach ((string of, Guid id) in ids)
        {
            json.WriteString(of, id);
        }

        json.WriteEndObject();
    }

    private static void Write<T>(Utf8JsonWriter json, string name, T value, JsonTypeInfo<T> type)
    {
        json.WritePropertyName(name);
        JsonSerializer.Serialize(json, value, type);
    }
}

/// <summary>
/// Parts of a document as <see cref="ApiJson"/> has them, made when this is built. Only to write them: what is made so reads a member that
/// is left out as nothing, and not as what our types say.
/// </summary>
[JsonSerializable(typeof(ChangeRequest))]
[JsonSerializable(typeof(CopyMark))]
[JsonSerializable(typeof(ProgressReport))]
[JsonSerializable(typeof(ErrorReport))]
internal sealed partial class JournalJson : JsonSerializerContext
{
    internal static JournalJson Ours { get; } = new(ApiJson.Make(indented: false));
}
