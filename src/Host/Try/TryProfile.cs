using EveStorage.Cli.Profiles;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Try;

/// <summary>
/// What of a profile is tried: one pool, with the plugins, transports and strategies that it has. Journal, locks and sockets are the
/// try's own, and nothing is served but the volume that is tried.
/// </summary>
internal static class TryProfile
{
    /// <summary>The name of the pool that a try makes, where a profile declares several.</summary>
    internal const string Pool = "try";

    private static readonly string[] s_kept = ["Compression", "Conversion", "Encryption", "EncryptionOptions", "Images", "Keys", "Plugins", "Transports"];

    /// <summary>The profile <paramref name="given"/> in <paramref name="directory"/>, and its pool.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: it can't be told which pool is meant.</exception>
    internal static (ProfileSource Profile, PoolName Pool) Of(ProfileSource given, TryDirectory directory)
    {
        string[] declared = [.. given.Merged.GetSection("Pools").GetChildren().Select(pool => pool.Key)];
        string pool = declared.Contains(Pool) ? Pool
            : declared is [string only] ? only
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, given.Name, $"declares {(declared.Length == 0 ? "no pool" : $"the pools {string.Join(", ", declared)}")}: declare one called {Pool}");
        Dictionary<string, string?> values = given.Merged.AsEnumerable()
            .Where(value => value.Value is not null && (s_kept.Contains(value.Key.Split(':')[0], StringComparer.OrdinalIgnoreCase) || value.Key.StartsWith($"Pools:{pool}:", StringComparison.OrdinalIgnoreCase)))
            .ToDictionary(value => value.Key, value => value.Value);
        values["State"] = directory.Path;
        values["Run"] = Path.Combine(directory.Path, "run");
        return PoolName.TryParse(pool, out PoolName name)
            ? (new(given.Name, given.Files, new ConfigurationBuilder().AddInMemoryCollection(values).Build()), name)
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, given.Name, $"'{pool}' is not a pool's name");
    }
}
