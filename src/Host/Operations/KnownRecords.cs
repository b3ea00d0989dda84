using System.Collections.Concurrent;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>
/// The records of a pool's volumes, for what each of many operations asks of all of them: whether a place or a number is taken. They are read
/// once, and from then on only those of the volumes that an operation had in hand since, of whichever process: the journal tells. To read all of them
/// for each of N operations would be N² readings, and where records are properties of ZFS's each runs a program.
/// </summary>
internal sealed class KnownRecords(Journal journal, ChangePlanners planners, TimeProvider time)
{
    // After that all of them are read again, however often somebody asks: another host, with a journal of its own, may have the same pool.
    private static readonly TimeSpan s_holds = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<PoolName, KnownPool> _pools = new();

    /// <summary>The pools whose records are being read now: those that somebody waits for.</summary>
    internal IReadOnlyList<PoolName> BeingRead => [.. _pools.Where(static known => known.Value.IsBeingRead).Select(static known => known.Key).OrderBy(static name => $"{name}", StringComparer.Ordinal)];

    /// <summary>All that are in a pool now.</summary>
    internal async Task<IReadOnlyList<KeyValuePair<VolumeName, VolumeRecord>>> OfAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        KnownPool known = _pools.GetOrAdd(pool.Name, static _ => new());
        await known.Gate.WaitAsync(cancellationToken);
        try
        {
            known.IsBeingRead = true;
            LookAtJournal(known, pool);   // first: what changes while records are read is seen the next time
            await known.ReadAsync(pool, time, cancellationToken);
            return [.. known.Records];
        }
        finally
        {
            known.IsBeingRead = false;
            known.Gate.Release();
        }
    }

    // Notes what operations have in hand, or had and have ended since the last look.
    private void LookAtJournal(KnownPool known, IStoragePool pool)
    {
        HashSet<Guid> now = [.. journal.Ids()];
        if (!known.Holds(pool, time, s_holds))
        {
            now.ExceptWith(journal.ReadOpen().Select(document => document.Operation.Id));
            known.Forget(now);   // what these did is in the records that are read after this
            return;
        }

        known.Ended.IntersectWith(now);
        foreach (Guid id in now.Where(id => !known.Ended.Contains(id)).ToArray())
        {
            try
            {
                OperationReport operation = journal.Read(id).Operation;
                Note(known, pool, operation);
                if (operation.State is OperationState.Succeeded or OperationState.Failed or OperationState.Cancelled or OperationState.Cleared)
                {
                    known.Ended.Add(id);
                }
            }
            catch (StorageException)
            {
                known.Pool = null;   // what it did can't be known
                return;
            }
        }
    }

    private void Note(KnownPool known, IStoragePool pool, OperationReport operation)
    {
        if (operation.Request.Scope != pool.Name)
        {
            return;
        }

        VolumeName[] names = [.. planners.For(operation.Request).Owns(operation.Request, operation.Id)];
        known.Changed.UnionWith(names);
        if (names.Length == 0)
        {
            known.Pool = null;   // it had the pool as a whole in hand
        }
    }

    /// <summary>What is known of one. A gate for each: one whose drives don't answer keeps nobody from another.</summary>
    private sealed class KnownPool
    {
        private long _since;

        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal volatile bool IsBeingRead;

        /// <summary>The id of the pool whose records all are known; null while they are not.</summary>
        internal Guid? Pool { get; set; }

        internal Dictionary<VolumeName, VolumeRecord> Records { get; } = [];

        internal HashSet<VolumeName> Changed { get; } = [];

        internal HashSet<Guid> Ended { get; private set; } = [];

        internal bool Holds(IStoragePool pool, TimeProvider time, TimeSpan limit) => Pool == pool.Id && time.GetElapsedTime(_since) <= limit;

        internal void Forget(HashSet<Guid> ended)
        {
            Pool = null;
            Ended = ended;
        }

        internal async Task ReadAsync(IStoragePool pool, TimeProvider time, CancellationToken cancellationToken)
        {
            if (Pool is null)
            {
                _since = time.GetTimestamp();
                Records.Clear();
                Changed.Clear();
                await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
                {
                    await ReadAsync(pool, volume.Name, cancellationToken);
                }

                Pool = pool.Id;   // whole, or it is not kept
            }

            foreach (VolumeName name in Changed.ToArray())
            {
                await ReadAsync(pool, name, cancellationToken);
            }
        }

        private async Task ReadAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
        {
            if (await pool.Records.FindAsync(name, cancellationToken) is VolumeRecord record)
            {
                Records[name] = record;
            }
            else
            {
                Records.Remove(name);
            }

            Changed.Remove(name);
        }
    }
}
