using System.Globalization;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Composition;

/// <summary>
/// The pools that have been here. What a pool holds says the pool; this says only that there is one to look for, since a directory whose
/// disk is not mounted looks as one where no pool was ever made.
/// </summary>
internal sealed class KnownPools(Profile profile, TimeProvider time)
{
    private readonly Lock _writing = new();

    /// <summary>Keeps in mind that a pool is here. Once this returns it survives a crash.</summary>
    internal void Add(PoolName pool)
    {
        string path = PathOf(pool);
        lock (_writing)
        {
            if (File.Exists(path))
            {
                return;
            }

            // Of a name of its own, since another process may write the same one now.
            string written = $"{path}.{Guid.NewGuid():N}";
            DurableFile.MakeDirectory(Path.GetDirectoryName(path)!);
            DurableFile.Replace(written, JsonSerializer.SerializeToUtf8Bytes(new Document(time.GetUtcNow()), ApiJson.Compact));
            FileCalls.Run(path, () => File.Move(written, path, overwrite: true));
            DirectoryHandle.Flush(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Whether a pool is known.</summary>
    internal bool Contains(PoolName pool) => File.Exists(PathOf(pool));

    /// <summary>Forgets a pool.</summary>
    internal void Remove(PoolName pool)
    {
        string path = PathOf(pool);
        if (File.Exists(path))
        {
            FileCalls.Run(path, () => File.Delete(path));
            DirectoryHandle.Flush(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>What to say of a pool that is known and is not found; null of one that is not known.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="devices">What it is made of.</param>
    /// <param name="cause">Its backend's word.</param>
    internal MissingPoolException? FindMissing(PoolName pool, IEnumerable<string> devices, StorageException cause)
        => !Contains(pool) ? null : new(
            pool,
            $"is missing: it has been here since {SinceOf(pool)?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "an unknown day"} and is not found in {string.Join(", ", devices.DefaultIfEmpty("its place"))}; mount or attach what it lies on, or say that it is gone for good by `evestorage pool forget {pool}`",
            cause);

    // That the record is there says that the pool was: one that is damaged, or newer than this, says no less.
    private DateTimeOffset? SinceOf(PoolName pool)
    {
        string path = PathOf(pool);
        try
        {
            using JsonDocument document = JsonDocument.Parse(FileCalls.Run(path, () => File.ReadAllBytes(path)));
            return document.RootElement.GetProperty("since").GetDateTimeOffset();
        }
        catch (Exception e) when (e is StorageException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private string PathOf(PoolName pool) => Path.Combine(profile.State, "known-pools", $"{pool}.json");

    private sealed record Document(DateTimeOffset Since);
}
