using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Operations;

/// <summary>The pools that a person locked. They stay so until a person unlocks them, or the machine starts again.</summary>
internal sealed class LockedPools(Profile profile)
{
    /// <summary>Whether it is.</summary>
    internal bool Contains(PoolName pool) => File.Exists(PathOf(pool));

    /// <summary>Whether the lock is of that operation.</summary>
    internal bool IsOf(PoolName pool, Guid operation)
    {
        string path = PathOf(pool);
        return File.Exists(path) && FileCalls.Run(path, () => File.ReadAllText(path)) == $"{operation}";
    }

    /// <summary>Locks it, for an operation: nothing opens it any more.</summary>
    internal void Add(PoolName pool, Guid operation)
    {
        string path = PathOf(pool);
        FileCalls.Run(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, $"{operation}");
        });
    }

    /// <summary>Lets it be opened again.</summary>
    internal void Remove(PoolName pool)
    {
        string path = PathOf(pool);
        if (File.Exists(path))
        {
            FileCalls.Run(path, () => File.Delete(path));
        }
    }

    // The run directory, which a reboot empties: a key that is there at a start opens the pool then.
    private string PathOf(PoolName pool) => Path.Combine(profile.Run, "locked", $"{pool}");
}
