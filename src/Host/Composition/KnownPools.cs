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
    private const int Format = 1;

    /// <summary>Since when a pool is known; null when it is not.</summary>
    /// <exception cref="StorageException">What is on disk can't be read.</exception>
    internal DateTimeOffset? Of(PoolName pool)
    {
        string path = PathOf(pool);
        if (!File.Exists(path))
        {
            return null;
        }

        byte[] bytes = FileCalls.Run(path, () => File.ReadAllBytes(path));
        try
        {
            // A newer document has more in it, and says by being there what is asked.
            return JsonDocument.Parse(bytes).RootElement.GetProperty("since").GetDateTimeOffset();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, path, $"does not say since when {pool} is here: `evestorage pool forget {pool}` once it is known to be gone", e);
        }
    }

    /// <summary>Keeps in mind that a pool is here. Once this returns it survives a crash.</summary>
    internal void Add(PoolName pool)
    {
        string path = PathOf(pool);
        if (!File.Exists(path))
        {
            DurableFile.MakeDirectory(Path.GetDirectoryName(path)!);
            DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(new Document(Format, time.GetUtcNow()), ApiJson.Compact));
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
        => Of(pool) is not DateTimeOffset since ? null : new(
            pool,
            $"is missing: it has been here since {since.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} and is not found in {string.Join(", ", devices.DefaultIfEmpty("its place"))}; mount or attach what it lies on, or say that it is gone for good by `evestorage pool forget {pool}`",
            cause);

    private string PathOf(PoolName pool) => Path.Combine(profile.State, "known-pools", $"{pool}.json");

    private sealed record Document(int Format, DateTimeOffset Since);
}
