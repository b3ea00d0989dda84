using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Composition;

/// <summary>A drive that an operation took into a pool.</summary>
/// <param name="Device">What it is called at each start.</param>
/// <param name="Operation">The operation.</param>
internal sealed record TakenDrive(string Device, Guid Operation);

/// <summary>
/// The drives that operations took into pools. The layers on one have to be opened at the next start, and until a person has put
/// it into the profile nobody else knows that it is there.
/// </summary>
internal sealed class TakenDrives(Profile profile)
{
    private const int CurrentFormat = 1;

    /// <summary>Those of a pool, in the order in which they came.</summary>
    /// <exception cref="StorageException">What is on disk can't be read.</exception>
    internal IReadOnlyList<TakenDrive> Of(PoolName pool)
    {
        string path = PathOf(pool);
        if (!File.Exists(path))
        {
            return [];
        }

        byte[] bytes = FileCalls.Run(path, () => File.ReadAllBytes(path));
        try
        {
            // The number first, by itself: what else a newer document holds is not ours to judge.
            int format = JsonDocument.Parse(bytes).RootElement.GetProperty("format").GetInt32();
            return format <= CurrentFormat
                ? JsonSerializer.Deserialize<Document>(bytes, ApiJson.Compact)!.Drives
                : throw new StorageException(StorageErrorKind.NotSupported, path, $"has format {format}; this program reads up to {CurrentFormat}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, $"is no list of drives: put all drives of {pool} into the profile, then remove it ({e.Message})", e);
        }
    }

    /// <summary>Keeps one in mind. Once this returns it survives a crash.</summary>
    internal void Add(PoolName pool, TakenDrive drive) => Write(pool, [.. Of(pool).Where(other => other.Device != drive.Device), drive]);

    /// <summary>Keeps one in mind no more.</summary>
    internal void Remove(PoolName pool, string device) => Write(pool, [.. Of(pool).Where(other => other.Device != device)]);

    /// <summary>Forgets all of a pool.</summary>
    internal void Clear(PoolName pool) => Write(pool, []);

    private void Write(PoolName pool, IReadOnlyList<TakenDrive> drives)
    {
        string path = PathOf(pool);
        if (drives.Count > 0)
        {
            string directory = Path.GetDirectoryName(path)!;
            FileCalls.Run(directory, () => Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
            DirectoryHandle.Flush(profile.State);
            DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(new Document { Drives = drives }, ApiJson.Compact));
        }
        else if (File.Exists(path))
        {
            FileCalls.Run(path, () => File.Delete(path));
            DirectoryHandle.Flush(Path.GetDirectoryName(path)!);
        }
    }

    private string PathOf(PoolName pool) => Path.Combine(profile.State, "drives", $"{pool}.json");

    private sealed record Document
    {
        public int Format { get; init; } = CurrentFormat;

        public required IReadOnlyList<TakenDrive> Drives { get; init; }
    }
}
