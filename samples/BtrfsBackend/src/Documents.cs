using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Samples.Btrfs;

/// <summary>What makes a subvolume a pool of ours.</summary>
internal sealed record PoolMark(int Format, Guid Id, string Name, OwnerMark Mark);

/// <summary>How a volume was made. It never changes.</summary>
internal sealed record VolumeSettings(int Format, bool Thin, bool Compressed, long? Quota);

/// <summary>The last change in place of a volume, written before it: who was about to make it, and how all was.</summary>
internal sealed record ChangeNote(int Format, Guid Operation, string FromName, long FromSize, Guid FromData);

/// <summary>Whose a snapshot is.</summary>
internal sealed record SnapshotMark(int Format, Guid Id, OwnerMark Mark, DateTimeOffset Created);

/// <summary>Small files that are replaced whole and are on the disk once a call returns.</summary>
internal static class Documents
{
    internal const int Format = 1;

    private const int MaxLength = 64 << 10;

    /// <summary>The document at <paramref name="path"/>; null when there is none.</summary>
    internal static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        if (ReadBytes(path) is not byte[] document)
        {
            return null;
        }

        try
        {
            // The number first: what else a newer document holds is not ours to judge.
            int format = JsonSerializer.Deserialize(document, BtrfsJson.Default.FormatOnly)?.Format ?? 0;
            return format == Format
                ? JsonSerializer.Deserialize(document, type)
                : throw new StorageException(StorageErrorKind.NotSupported, path, $"has format {format}; this plugin reads {Format}");
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, "is damaged", e);
        }
    }

    internal static byte[]? ReadBytes(string path) => Failure.Guard(path, () =>
    {
        FileInfo file = new(path);
        return !file.Exists ? null
            : file.Length <= MaxLength ? File.ReadAllBytes(path)
            : throw new StorageException(StorageErrorKind.Corrupt, path, $"is longer than {MaxLength} bytes");
    });

    internal static void Write<T>(string path, T document, JsonTypeInfo<T> type) => WriteBytes(path, JsonSerializer.SerializeToUtf8Bytes(document, type));

    internal static void WriteBytes(string path, byte[] bytes) => Failure.Guard(path, () =>
    {
        string next = $"{path}.next";
        using (SafeFileHandle file = File.OpenHandle(next, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, bytes, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(next, path, overwrite: true);
        Flush(Path.GetDirectoryName(path)!);
    });

    /// <summary>Gives a directory its name, on the disk when this returns. What has that name already stays.</summary>
    internal static void Publish(string from, string to) => Failure.Guard(to, () =>
    {
        Directory.Move(from, to);
        Flush(Path.GetDirectoryName(to)!);
    });

    /// <summary>Makes the names in a directory survive a crash.</summary>
    internal static void Flush(string directory)
    {
        using Descriptor opened = Descriptor.Open(directory);
        Native.Check(Native.FSync(opened), directory, "fsync");
    }
}

internal sealed record FormatOnly(int Format);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(FormatOnly))]
[JsonSerializable(typeof(PoolMark))]
[JsonSerializable(typeof(VolumeSettings))]
[JsonSerializable(typeof(ChangeNote))]
[JsonSerializable(typeof(SnapshotMark))]
internal sealed partial class BtrfsJson : JsonSerializerContext;
