using EveStorage.Host.Composition;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Locks;

/// <summary>
/// What keeps two operations apart, in one process or in several: a pool's lock for a step that changes its metadata, the
/// volume names that an operation owns until it ends, and the exports. Pools' go by the pool's id, since two profiles may name one pool
/// differently; a pool that is not made yet has but its name.
/// </summary>
internal sealed class StorageLocks(Profile profile, OpenPools pools, TimeProvider time)
{
    private static readonly TimeSpan s_poolLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_nameLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_exportsLimit = TimeSpan.FromMinutes(1);   // an end waits for its hosts' I/O

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

    /// <summary>
    /// Takes the exports of all transports, until the operation ends. Volumes share subsystems, whose numbers it chooses, and
    /// exports share ports and hosts, which one's end takes away with the last of them while another's begin counts on them.
    /// </summary>
    internal Task<HeldLock> TakeExportsAsync(string subject, string doing, CancellationToken cancellationToken)
        => HeldLock.TakeAsync(PathOf("exports"), subject, HeldLock.Holder(doing), s_exportsLimit, time, cancellationToken);

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
