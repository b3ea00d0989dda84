using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;

namespace EveStorage.Host.Worker;

/// <summary>
/// How a host and its worker, which are of one build, write to each other: a document a line. By hand, since a worker starts for
/// each image: what a serializer makes of our types when it first meets them takes longer than the rest of its start.
/// </summary>
internal static partial class WorkerJson
{
    /// <summary>A request, with the end of its line.</summary>
    internal static byte[] Write(WorkerRequest request) => Line(json =>
    {
        json.WriteStartArray("plugins");
        foreach (string plugin in request.Plugins)
        {
            json.WriteStringValue(plugin);
        }

        json.WriteEndArray();
        Write(json, "format", request.Format);
        json.WriteString("imageName", request.ImageName);
        json.WriteBoolean("goOver", request.GoOver);
        json.WriteBoolean("isPipe", request.IsPipe);
        Write(json, "rangedLength", request.RangedLength);
        Write(json, "streamLength", request.StreamLength);
        Write(json, "snapshot", request.Snapshot);
        json.WriteStartArray("links");
        foreach (OpenLink link in request.Links)
        {
            json.WriteStartObject();
            Write(json, link);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("keeps", request.Keeps);
        Write(json, "import", request.Import, Write);
        Write(json, "serves", request.Serves);
    });

    /// <summary>An order, with the end of its line.</summary>
    internal static byte[] Write(ImportOrder order) => Line(json => Write(json, order));

    /// <summary>What a worker says, with the end of its line.</summary>
    internal static byte[] Write(WorkerMessage message) => Line(json =>
    {
        Write(json, "started", message.Started);
        Write(json, "progress", message.Progress, Write);
        Write(json, "wants", message.Wants, Write);
        Write(json, "safe", message.Safe);
        Write(json, "lacks", message.Lacks);
        Write(json, "peakMemory", message.PeakMemory);
        Write(json, "processors", message.Processors);
        Write(json, "needs", message.Needs, Write);
        Write(json, "report", message.Report, Write);
        json.WriteBoolean("waits", message.Waits);
        Write(json, "result", message.Result, Write);
        Write(json, "error", message.Error, Write);
    });

    /// <summary>Why something failed, with the end of its line.</summary>
    internal static byte[] Write(ErrorReport error) => Line(json => Write(json, error));

    private static byte[] Line(Action<Utf8JsonWriter> write)
    {
        using MemoryStream line = new();
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        return line.ToArray();
    }

    private static void Write(Utf8JsonWriter json, OpenLink link)
    {
        json.WriteNumber("of", link.Of);
        json.WriteNumber("kind", (int)link.Link.Kind);
        json.WriteString("name", link.Link.Name);
        Write(json, "format", link.Link.Format);
    }

    private static void Write(Utf8JsonWriter json, ImportOrder order)
    {
        Write(json, "volumeSize", order.VolumeSize);
        json.WriteBoolean("readsZero", order.ReadsZero);
        json.WriteBoolean("shares", order.Shares);
        Write(json, "writeBudget", order.WriteBudget);
        Write(json, "spoolSize", order.SpoolSize);
        json.WriteBoolean("verify", order.Verify);
        Write(json, "from", order.From);
        json.WriteBoolean("marks", order.Marks);
    }

    private static void Write(Utf8JsonWriter json, WorkerProgress progress)
    {
        json.WriteNumber("phase", (int)progress.Phase);
        Write(json, "done", progress.Done);
        Write(json, "total", progress.Total);
    }

    private static void Write(Utf8JsonWriter json, ByteRange range)
    {
        json.WriteNumber("offset", range.Offset);
        json.WriteNumber("length", range.Length);
    }

    private static void Write(Utf8JsonWriter json, ImageReport report)
    {
        json.WriteString("format", report.Format);
        Write(json, "virtualSize", report.VirtualSize);
        Write(json, "dataSize", report.DataSize);
        Write(json, "sourceSize", report.SourceSize);
        Write(json, "wrapping", report.Wrapping);
        json.WriteBoolean("isStream", report.IsStream);
        json.WriteBoolean("needsLength", report.NeedsLength);
        json.WriteBoolean("inAnyOrder", report.InAnyOrder);
        json.WriteStartArray("snapshots");
        foreach (SnapshotInImage snapshot in report.Snapshots)
        {
            json.WriteStartObject();
            json.WriteString("id", snapshot.Id);
            json.WriteString("name", snapshot.Name);
            Write(json, "virtualSize", snapshot.VirtualSize);
            json.WriteString("taken", snapshot.Taken);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("details");
        foreach ((string name, string value) in report.Details)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        Write(json, "refusal", report.Refusal, Write);
    }

    private static void Write(Utf8JsonWriter json, ImportResult result)
    {
        Write(json, "written", result.Written);
        Write(json, "spooled", result.Spooled);
        Write(json, "digest", result.Digest);
        Write(json, "read", result.Read);
    }

    private static void Write(Utf8JsonWriter json, ErrorReport error)
    {
        json.WriteNumber("kind", (int)error.Kind);
        json.WriteString("subject", error.Subject);
        json.WriteString("message", error.Message);
    }

    // What is null is left out.
    private static void Write<T>(Utf8JsonWriter json, string name, T? value, Action<Utf8JsonWriter, T> write)
        where T : class
    {
        if (value is not null)
        {
            json.WriteStartObject(name);
            write(json, value);
            json.WriteEndObject();
        }
    }

    private static void Write(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, TimeSpan? time)
    {
        if (time is TimeSpan known)
        {
            json.WriteNumber(name, known.Ticks);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, ByteSize? value)
    {
        if (value is ByteSize size)
        {
            json.WriteNumber(name, size.Bytes);
        }
    }
}
