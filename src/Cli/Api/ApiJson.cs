using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace EveStorage.Cli.Api;

/// <summary>How everything is written as JSON: on the socket, in the journal and by <c>--json</c>. Sizes are bytes, names are strings.</summary>
internal static class ApiJson
{
    // Each by itself: the converter for all of them makes its code at run time.
    private static readonly JsonConverter[] s_choices =
        [
            Choice<EventSeverity>(), Choice<OperationState>(), Choice<PoolHealth>(), Choice<StorageErrorKind>(), Choice<VolumeForm>(),
        ];

    /// <summary>One line a document.</summary>
    public static JsonSerializerOptions Compact { get; } = MakeWhole(indented: false);

    /// <summary>For a person who reads it.</summary>
    public static JsonSerializerOptions Indented { get; } = MakeWhole(indented: true);

    /// <summary>Adds what our types need to <paramref name="options"/>.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowOutOfOrderMetadataProperties = true;
        options.Converters.Add(new TraitsConverter());
        foreach (JsonConverter choice in s_choices)
        {
            options.Converters.Add(choice);
        }

        if (RuntimeFeature.IsDynamicCodeSupported)
        {
            options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower));   // of the documents that are the host's alone
        }

        options.Converters.Add(new TextConverter<PoolName>(text => new(text)));
        options.Converters.Add(new TextConverter<VolumeName>(text => new(text)));
        options.Converters.Add(new TextConverter<KeyName>(text => new(text)));
        options.Converters.Add(new TextConverter<SnapshotName>(ParseSnapshot));
        options.Converters.Add(new ByteSizeConverter());
    }

    /// <summary>What a serializer that is made when this is built is told.</summary>
    public static JsonSerializerOptions Make(bool indented)
    {
        JsonSerializerOptions options = new() { WriteIndented = indented };
        Apply(options);
        return options;
    }

    /// <summary>How a type is written and read.</summary>
    public static JsonTypeInfo<T> TypeOf<T>(bool indented = false) => (JsonTypeInfo<T>)(indented ? Indented : Compact).GetTypeInfo(typeof(T));

    private static JsonSerializerOptions MakeWhole(bool indented)
    {
        JsonSerializerOptions options = Make(indented);
        options.TypeInfoResolver = JsonSerializer.IsReflectionEnabledByDefault ? ByReflection() : ApiDocuments.Default;
        options.MakeReadOnly();
        return options;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only where reflection is there: a program without it is told so when it is built, and never comes here.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    private static DefaultJsonTypeInfoResolver ByReflection() => new();

    private static JsonStringEnumConverter<T> Choice<T>()
        where T : struct, Enum
        => new(JsonNamingPolicy.KebabCaseLower);

    private static SnapshotName ParseSnapshot(string text)
        => SnapshotName.TryParse(text, out SnapshotName name) ? name : throw new ArgumentException($"'{text}' is not a snapshot's name: volume@label.");

    private sealed class TextConverter<T>(Func<string, T> parse) : JsonConverter<T>
        where T : struct
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return parse(reader.GetString() ?? "");
            }
            catch (ArgumentException exception)
            {
                throw new JsonException(exception.Message, exception);
            }
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue($"{value}");
    }

    // A set is written as one: a program looks for a name in it. Older journals have the names in one string.
    private sealed class TraitsConverter : JsonConverter<VolumeTraits>
    {
        public override VolumeTraits Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                return Parse(reader.GetString()!.Split(", "));
            }

            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw new JsonException("Traits are an array of names.");
            }

            List<string> names = [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                names.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException("A trait is a name."));
            }

            return Parse(names);
        }

        public override void Write(Utf8JsonWriter writer, VolumeTraits value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (VolumeTraits trait in Enum.GetValues<VolumeTraits>().Where(trait => trait != VolumeTraits.None && value.HasFlag(trait)))
            {
                writer.WriteStringValue(JsonNamingPolicy.KebabCaseLower.ConvertName($"{trait}"));
            }

            writer.WriteEndArray();
        }

        private static VolumeTraits Parse(IEnumerable<string> names)
            => names.Aggregate(VolumeTraits.None, (all, name) => Enum.TryParse(name, ignoreCase: true, out VolumeTraits trait) && !int.TryParse(name, out _)
                ? all | trait
                : throw new JsonException($"'{name}' is no trait; there are {string.Join(", ", Enum.GetNames<VolumeTraits>().Select(JsonNamingPolicy.KebabCaseLower.ConvertName))}."));
    }

    /// <summary>A size, as a number.</summary>
    internal sealed class ByteSizeConverter : JsonConverter<ByteSize>
    {
        public override ByteSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => reader.TryGetInt64(out long bytes) && bytes >= 0 ? new(bytes) : throw new JsonException("A size is a number of bytes, 0 or more.");

        public override void Write(Utf8JsonWriter writer, ByteSize value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Bytes);
    }
}
