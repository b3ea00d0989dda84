using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace MyBackend;

/// <summary>What makes a directory a pool of ours.</summary>
internal sealed record PoolMark(int Format, Guid Id, string Name, OwnerMark Mark);

/// <summary>The last rename of a volume, written before it: who was about to make it, and what the name was.</summary>
internal sealed record ChangeNote(int Format, Guid Operation, string FromName);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(PoolMark))]
[JsonSerializable(typeof(ChangeNote))]
internal sealed partial class Json : JsonSerializerContext;

/// <summary>Small files that are replaced whole, and names, which are on the disk once a call returns.</summary>
internal static partial class Documents
{
    internal const int Format = 1;

    private const int MaxLength = 64 << 10;

    internal static byte[]? Read(string path) => Failure.Guard(path, () =>
    {
        FileInfo file = new(path);
        return !file.Exists ? null
            : file.Length <= MaxLength ? File.ReadAllBytes(path)
            : throw new StorageException(StorageErrorKind.Corrupt, path, $"is longer than {MaxLength} bytes");
    });

    internal static T? Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return Read(path) is byte[] document ? JsonSerializer.Deserialize(document, type) : null;
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, "is damaged", e);
        }
    }

    internal static void Write(string path, byte[] bytes) => Failure.Guard(path, () =>
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

    /// <summary>Gives a directory its name. What has that name already stays.</summary>
    internal static void Publish(string from, string to) => Failure.Guard(to, () =>
    {
        Directory.Move(from, to);
        Flush(Path.GetDirectoryName(to)!);
    });

    /// <summary>Removes a directory with all in it, and says whether there was one.</summary>
    internal static bool Remove(string directory) => Failure.Guard(directory, () =>
    {
        bool there = Directory.Exists(directory);
        if (there)
        {
            Directory.Delete(directory, recursive: true);
        }

        return there;
    });

    // The framework opens no directories, and names survive a crash only when their directory was flushed.
    private static void Flush(string directory)
    {
        int descriptor = Open(directory, 0x80000);   // O_RDONLY | O_CLOEXEC
        try
        {
            if (descriptor < 0 || FSync(descriptor) < 0)
            {
                throw new StorageException(Failure.KindOf(Marshal.GetLastPInvokeError()), directory, "could not be flushed");
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
