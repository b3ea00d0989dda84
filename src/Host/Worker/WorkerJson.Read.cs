using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;

namespace EveStorage.Host.Worker;

/// <summary>Reading. What a worker says is hostile: whatever is not as it is written here is no document.</summary>
internal static partial class WorkerJson
{
    /// <summary>The request in a line.</summary>
    /// <exception cref="JsonException">It has none.</exception>
    internal static WorkerRequest ReadRequest(ReadOnlyMemory<byte> line) => Read(line, static json => new WorkerRequest
    {
        Plugins = [.. json.GetProperty("plugins").EnumerateArray().Select(static plugin => plugin.GetString()!)],
        Format = Text(json, "format"),
        ImageName = RequiredText(json, "imageName"),
        GoOver = json.GetProperty("goOver").GetBoolean(),
        IsPipe = json.GetProperty("isPipe").GetBoolean(),
        RangedLength = Size(json, "rangedLength"),
        StreamLength = Size(json, "streamLength"),
        Snapshot = Text(json, "snapshot"),
        Links = [.. json.GetProperty("links").EnumerateArray().Select(Link)],
        Keeps = json.GetProperty("keeps").GetBoolean(),
        Import = Part(json, "import", Order),
        Serves = Size(json, "serves"),
    });

    /// <summary>The order in a line.</summary>
    /// <exception cref="JsonException">It has none.</exception>
    internal static ImportOrder ReadOrder(ReadOnlyMemory<byte> line) => Read(line, Order);

    /// <summary>The message in a line.</summary>
    /// <exception cref="JsonException">It has none.</exception>
    internal static WorkerMessage ReadMessage(ReadOnlyMemory<byte> line) => Read(line, static json => new WorkerMessage
    {
        Started = Time(json, "started"),
        Progress = Part(json, "progress", Progress),
        Wants = Part(json, "wants", Range),
        Safe = Size(json, "safe"),
        Lacks = Text(json, "lacks"),
        PeakMemory = Size(json, "peakMemory"),
        Processors = Time(json, "processors"),
        Needs = Part(json, "needs", Link),
        Report = Part(json, "report", Report),
        Waits = json.GetProperty("waits").GetBoolean(),
        Result = Part(json, "result", Result),
        Error = Part(json, "error", Error),
    });

    /// <summary>Why something failed.</summary>
    /// <exception cref="JsonException">That is not told.</exception>
    internal static ErrorReport ReadError(ReadOnlyMemory<byte> line) => Read(line, Error);

    private static T Read<T>(ReadOnlyMemory<byte> line, Func<JsonElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new JsonException(e.Message, e);   // of another type, or absent, or out of its bounds
        }
    }

    private static OpenLink Link(JsonElement json)
        => new(json.GetProperty("of").GetInt32(), new(Choice<ImageLinkKind>(json, "kind"), RequiredText(json, "name"), Text(json, "format")));

    private static ImportOrder Order(JsonElement json) => new()
    {
        VolumeSize = RequiredSize(json, "volumeSize"),
        ReadsZero = json.GetProperty("readsZero").GetBoolean(),
        Shares = json.GetProperty("shares").GetBoolean(),
        WriteBudget = RequiredSize(json, "writeBudget"),
        SpoolSize = Size(json, "spoolSize"),
        Verify = json.GetProperty("verify").GetBoolean(),
        From = RequiredSize(json, "from"),
        Marks = json.GetProperty("marks").GetBoolean(),
    };

    private static WorkerProgress Progress(JsonElement json) => new(Choice<WorkerPhase>(json, "phase"), RequiredSize(json, "done"), RequiredSize(json, "total"));

    private static ByteRange Range(JsonElement json) => new(json.GetProperty("offset").GetInt64(), json.GetProperty("length").GetInt32());

    private static ImageReport Report(JsonElement json) => new()
    {
        Format = RequiredText(json, "format"),
        VirtualSize = RequiredSize(json, "virtualSize"),
        DataSize = Size(json, "dataSize"),
        SourceSize = Size(json, "sourceSize"),
        Wrapping = Text(json, "wrapping"),
        IsStream = json.GetProperty("isStream").GetBoolean(),
        NeedsLength = json.GetProperty("needsLength").GetBoolean(),
        InAnyOrder = json.GetProperty("inAnyOrder").GetBoolean(),
        Snapshots = [.. json.GetProperty("snapshots").EnumerateArray().Select(static snapshot
            => new SnapshotInImage(RequiredText(snapshot, "id"), RequiredText(snapshot, "name"), RequiredSize(snapshot, "virtualSize"), snapshot.GetProperty("taken").GetDateTimeOffset()))],
        Details = DetailsOf(json.GetProperty("details")),
        Refusal = Part(json, "refusal", Error),
    };

    private static Dictionary<string, string> DetailsOf(JsonElement json)
    {
        Dictionary<string, string> details = [];
        foreach (JsonProperty detail in json.EnumerateObject())
        {
            details[detail.Name] = detail.Value.GetString() ?? throw new JsonException($"{detail.Name} is null.");
        }

        return details;
    }

    private static ImportResult Result(JsonElement json)
        => new(RequiredSize(json, "written"), RequiredSize(json, "spooled"), Text(json, "digest")) { Read = RequiredSize(json, "read") };

    private static ErrorReport Error(JsonElement json) => new(Choice<StorageErrorKind>(json, "kind"), RequiredText(json, "subject"), RequiredText(json, "message"));

    private static T? Part<T>(JsonElement json, string name, Func<JsonElement, T> read)
        where T : class
        => json.TryGetProperty(name, out JsonElement part) ? read(part) : null;

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement text) ? text.GetString() : null;

    private static string RequiredText(JsonElement json, string name) => json.GetProperty(name).GetString() ?? throw new JsonException($"{name} is null.");

    private static TimeSpan? Time(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement ticks) ? new(ticks.GetInt64()) : null;

    private static ByteSize? Size(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement _) ? RequiredSize(json, name) : null;

    private static ByteSize RequiredSize(JsonElement json, string name)
        => json.GetProperty(name).GetInt64() is >= 0 and long bytes ? new(bytes) : throw new JsonException($"{name} is negative.");

    private static T Choice<T>(JsonElement json, string name)
        where T : struct, Enum
        => Enum.ToObject(typeof(T), json.GetProperty(name).GetInt32()) is T choice && Enum.IsDefined(choice) ? choice : throw new JsonException($"{name} is none that is known.");
}
