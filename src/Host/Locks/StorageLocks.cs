using EveStorage.Host.Composition;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Locks;

/// <summary>
/// What keeps two operations apart, in one process or in several: a pool's lock for a step that changes its metadata, and
/// the volume names that an operation owns until it ends. They go by the pool's id, since two profiles may name one pool
/// differently; a pool that is not made yet has but its name.
/// </summary>
internal sealed class StorageLocks(Profile profile, OpenPools pools, TimeProvider time)
{
    private static readonly TimeSpan s_poolLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_nameLimit = TimeSpan.FromSeconds(5);

    /// <summary>Takes what <see cref="KeyOfAsync"/> named, for one short step.</summary>
    internal Task<HeldLock> TakePoolAsync(string key, string subject, string doing, CancellationToken cancellationToken)
        => HeldLock.TakeAsync(PathOf($"pool-{key}"), subject, HeldLock.Holder(doing), s_poolLimit, time, cancellationToken);

    /// <summary>Takes the names of volumes, in one order for all, until the operation ends.</summary>
    internal async Task<IReadOnlyList<HeldLock>> TakeNamesAsync(PoolName? pool, IEnumerable<VolumeName> names, string doing, CancellationToken cancellationToken)
    {
        List<HeldLock> held = [];
        string key = await KeyOfAsync(pool, cancellationToken);
        try
        {
            foreach (string name in names.Select(name => $"{name}").Distinct().Order(StringComparer.Ordinal))
            {
                held.Add(await HeldLock.TakeAsync(
                    PathOf($"volume-{key}-{name}"), $"{pool}/{name}", HeldLock.Holder(doing), s_nameLimit, time, cancellationToken));
            }

            return held;
        }
        catch
        {
            held.ForEach(taken => taken.Dispose());
            throw;
        }
    }

    /// <summary>Takes a subsystem that volumes share, so that two don't choose one number in it, until the operation ends.</summary>
    internal Task<HeldLock> TakeSubsystemAsync(Nqn subsystem, string doing, CancellationToken cancellationToken)
        => HeldLock.TakeAsync(PathOf($"subsystem-{subsystem}"), $"{subsystem}", HeldLock.Holder(doing), s_nameLimit, time, cancellationToken);

    /// <summary>What is locked for a pool, or for what is in none.</summary>
    internal async Task<string> KeyOfAsync(PoolName? pool, CancellationToken cancellationToken)
    {
        if (pool is not PoolName name)
        {
            return "none";   // no pool's id, nor a name that a lock had before: those are locked as they are called
        }

        try
        {
            return await pools.TryOpenAsync(name, cancellationToken) is IStoragePool open ? $"{open.Id:D}" : $"{name}";
        }
        catch (StorageException)
        {
            return $"{name}";   // it can't be opened now: what is done about that still takes turns
        }
    }

    private string PathOf(string name) => Path.Combine(profile.Run, "locks", $"{name}.lock");
}
