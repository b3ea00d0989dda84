using System.Text.Json;
using System.Text.Json.Serialization;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>A snapshot as its directory says. It never holds a path: those come from the numbers.</summary>
internal sealed record SnapshotRecord
{
    /// <summary>The format written, and the newest read.</summary>
    internal const int CurrentFormat = 2;

    /// <summary>2; 1 knows directories alone.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>What containerd calls it.</summary>
    public required string Key { get; init; }

    /// <summary>Whether it is written, looked at, or fixed.</summary>
    public required Kind Kind { get; init; }

    /// <summary>What containerd calls what it lies on; empty for nothing.</summary>
    public required string Parent { get; init; }

    /// <summary>The numbers of all that it lies on, its parent first.</summary>
    public required IReadOnlyList<long> Below { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When it was changed last.</summary>
    public required DateTimeOffset Updated { get; init; }

    /// <summary>What containerd notes about it.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>What it is: as that on which it lies, or as the profile said.</summary>
    public LayerMode Mode { get; init; } = LayerMode.Overlay;

    /// <summary>How large it may become, by its label; null where that says nothing.</summary>
    public ByteSize? Limit { get; init; }

    /// <summary>What is counted with it and is not its own.</summary>
    public LayerUsage Lower { get; init; } = new(0, 0);

    /// <summary>What it takes, counted when it was fixed; null before.</summary>
    public LayerUsage? Usage { get; init; }

    /// <summary>Reads the record at <paramref name="path"/>.</summary>
    /// <exception cref="StorageException">It can't be read.</exception>
    internal static SnapshotRecord Read(string path)
    {
        byte[] bytes = FileCalls.Run(path, () => File.ReadAllBytes(path));
        try
        {
            // The number first, by itself: what else a newer record holds is not ours to judge.
            int format = JsonSerializer.Deserialize(bytes, RecordJson.Default.RecordFormat)?.Format ?? 0;
            return format is 1 or CurrentFormat
                ? JsonSerializer.Deserialize(bytes, RecordJson.Default.SnapshotRecord)!
                : throw new StorageException(StorageErrorKind.NotSupported, path, $"has format {format}; this program reads up to {CurrentFormat}");
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, "is no record of a snapshot", e);
        }
    }

    /// <summary>Replaces the record at <paramref name="path"/>. Once this returns it survives a crash.</summary>
    internal void Write(string path)
        => DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(this with { Format = CurrentFormat }, RecordJson.Default.SnapshotRecord));
}

/// <summary>What a layer takes, without what it lies on.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Files">Files, directories and links.</param>
internal sealed record LayerUsage(long Size, long Files)
{
    /// <summary>What is left without <paramref name="lower"/>; never less than nothing, as where files of below were removed.</summary>
    internal LayerUsage Without(LayerUsage lower) => new(Math.Max(0, Size - lower.Size), Math.Max(0, Files - lower.Files));
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record RecordFormat(int Format);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RecordFormat))]
[JsonSerializable(typeof(SnapshotRecord))]
internal sealed partial class RecordJson : JsonSerializerContext;
