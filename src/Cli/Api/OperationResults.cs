using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EveStorage.Cli.Api;

/// <summary>What operations answer, by name: to a program a size is a number of bytes, and a number a number.</summary>
internal static class OperationResults
{
    private static readonly HashSet<string> s_sizes = ["fetched", "read", "resumedAt", "size", "spooled", "written"];
    private static readonly HashSet<string> s_numbers = [.. s_sizes, "nsid"];

    /// <summary>One, for a person.</summary>
    internal static string ForPerson(string name, string value)
        => s_sizes.Contains(name) && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? new ByteSize(bytes).ForPerson() : value;

    /// <summary>Writes them so. Those of older journals are strings.</summary>
    internal sealed class Converter : JsonConverter<IReadOnlyDictionary<string, string>>
    {
        /// <inheritdoc/>
        public override IReadOnlyDictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            Dictionary<string, string> results = [];
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new JsonException("Results are an object.");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                results[name] = reader.TokenType switch
                {
                    JsonTokenType.String => reader.GetString()!,
                    JsonTokenType.Number => reader.GetInt64().ToString(CultureInfo.InvariantCulture),
                    _ => throw new JsonException("A result is a string or a number."),
                };
            }

            return results;
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach ((string name, string result) in value)
            {
                if (s_numbers.Contains(name) && long.TryParse(result, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                {
                    writer.WriteNumber(name, number);
                }
                else
                {
                    writer.WriteString(name, result);
                }
            }

            writer.WriteEndObject();
        }
    }
}
