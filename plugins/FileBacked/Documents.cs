using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>How a volume's image was made: <c>layout.json</c>. It never changes.</summary>
/// <param name="Format">1.</param>
/// <param name="Preallocated">Whether its space was taken when it was made.</param>
/// <param name="Compressed">Whether the file system compresses it.</param>
internal sealed record VolumeLayout(int Format, bool Preallocated, bool Compressed)
{
    /// <summary>Whether room is kept for it beside its copies. What is compressed is never written in place: no room would be enough.</summary>
    internal bool KeepsRoom => Preallocated && !Compressed;
}

/// <summary>Whose blocks a clone began with: <c>origin.json</c>. A clone of a thin volume has none, and one of its clone the same as that.</summary>
/// <param name="Format">1.</param>
/// <param name="Name">The name that the volume had then.</param>
/// <param name="Id">The volume's id.</param>
internal sealed record VolumeOrigin(int Format, string Name, Guid Id);

/// <summary>
/// The last change in place of a volume: <c>change.json</c>. It is on disk before the change, so that after a crash one
/// can see whether this operation made it: the name, the length or the image is then no more what it was.
/// </summary>
/// <param name="Format">1.</param>
/// <param name="Operation">The operation.</param>
/// <param name="FromName">The name that the volume had.</param>
/// <param name="FromSize">The size that it had.</param>
/// <param name="FromImage">The inode of its image.</param>
internal sealed record ChangeNote(int Format, Guid Operation, string FromName, long FromSize, ulong FromImage);

/// <summary>A snapshot: <c>snapshot.json</c>.</summary>
/// <param name="Format">1.</param>
/// <param name="Id">Its id.</param>
/// <param name="Mark">Who took it, in which operation.</param>
/// <param name="Created">When.</param>
internal sealed record SnapshotMark(int Format, Guid Id, OwnerMark Mark, DateTimeOffset Created);

/// <summary>Reads and writes the small documents of a pool. They are replaced whole, and a newer format is refused.</summary>
internal static class Documents
{
    internal const int Format = 1;

    private const int MaxLength = 64 << 10;

    /// <summary>The document at <paramref name="path"/>; null when there is none.</summary>
    /// <exception cref="StorageException">A newer program wrote it, or it can't be read.</exception>
    internal static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
        => Read(path, document => document.Deserialize(type));

    /// <inheritdoc cref="Read{T}(string, JsonTypeInfo{T})"/>
    internal static T? Read<T>(string path, Func<JsonElement, T?> read)
        where T : class
    {
        if (ReadBytes(path) is not byte[] document)
        {
            return null;
        }

        try
        {
            // The number first, by itself: what else a newer document holds is not ours to judge.
            using JsonDocument json = JsonDocument.Parse(document);
            int format = json.RootElement.GetProperty("format").GetInt32();
            return format switch
            {
                > Format => throw new StorageException(StorageErrorKind.NotSupported, path, $"has format {format}; this program reads up to {Format}"),
                < 1 => throw new StorageException(StorageErrorKind.Corrupt, path, $"has format {format}"),
                _ => read(json.RootElement),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, "is damaged", e);   // no JSON, or a member of another type, or absent
        }
    }

    /// <summary>Writes it, whole or not at all.</summary>
    internal static void Write<T>(string path, T document, JsonTypeInfo<T> type)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(document, type);
        DurableFile.Replace(path, bytes);
    }

    /// <summary>A small file's bytes; null when it is not there.</summary>
    internal static byte[]? ReadBytes(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        // One byte more than a document has is enough to refuse it: whoever put a large file there costs no memory.
        using BlockFile file = BlockFile.Open(path, writable: false);
        byte[] bytes = new byte[Math.Min(file.Look().Length, MaxLength + 1)];
        file.Read(0, bytes);
        return bytes;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true,
    WriteIndented = true)]
[JsonSerializable(typeof(PoolMark))]
[JsonSerializable(typeof(VolumeLayout))]
[JsonSerializable(typeof(VolumeOrigin))]
[JsonSerializable(typeof(ChangeNote))]
[JsonSerializable(typeof(SnapshotMark))]
internal sealed partial class FileJson : JsonSerializerContext;
