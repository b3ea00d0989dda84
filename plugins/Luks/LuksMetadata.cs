using System.Text.Json;

namespace EveStorage.Luks;

/// <summary>
/// The JSON of a header whose checksum holds. Its names are those of the LUKS2 On-Disk Format Specification, 1.1, chapter 3; in a
/// token of a type of our own stand the names of the keys that may open it.
/// </summary>
internal static class LuksMetadata
{
    /// <summary>The number of our token.</summary>
    internal const int TokenNumber = 0;

    private const string TokenType = "evestorage";

    /// <summary>How many keys open it.</summary>
    internal static int CountKeys(ReadOnlySpan<byte> json)
    {
        using JsonDocument? document = Parse(json);
        return document?.RootElement.TryGetProperty("keyslots", out JsonElement slots) == true && slots.ValueKind == JsonValueKind.Object ? slots.EnumerateObject().Count() : 0;
    }

    /// <summary>The names of the keys in our token; empty when there is none.</summary>
    internal static IReadOnlyList<string> KeyNames(ReadOnlySpan<byte> json)
    {
        using JsonDocument? document = Parse(json);
        return document?.RootElement.TryGetProperty("tokens", out JsonElement tokens) == true && tokens.ValueKind == JsonValueKind.Object
            ? [.. tokens.EnumerateObject().Select(token => token.Value).Where(IsOurs).SelectMany(NamesOf)]
            : [];
    }

    /// <summary>Our token with these names, as cryptsetup takes it.</summary>
    internal static byte[] Token(IEnumerable<KeyName> keys)
        => JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object> { ["type"] = TokenType, ["keyslots"] = Array.Empty<string>(), ["keys"] = keys.Select(key => $"{key}").ToArray() });

    private static bool IsOurs(JsonElement token)
        => token.ValueKind == JsonValueKind.Object && token.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(TokenType);

    private static IEnumerable<string> NamesOf(JsonElement token)
        => token.TryGetProperty("keys", out JsonElement keys) && keys.ValueKind == JsonValueKind.Array
            ? keys.EnumerateArray().Where(key => key.ValueKind == JsonValueKind.String).Select(key => key.GetString()!)
            : [];

    private static JsonDocument? Parse(ReadOnlySpan<byte> json)
    {
        int end = json.IndexOf((byte)0);
        try
        {
            JsonDocument document = JsonDocument.Parse(json[..(end < 0 ? json.Length : end)].ToArray());
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : null;
        }
        catch (JsonException)
        {
            return null;   // the checksum held, so it was written so; it opens with no key
        }
    }
}
