using EveStorage.Host.Api;

namespace EveStorage.Host.Operations;

/// <summary>
/// The records of a pool's volumes, for what each of many operations asks of all of them: whether a place or a number is taken. They are read
/// once, and from then on only those of the volumes that an operation had in hand since, of whichever process: the journal tells. To read all of them
/// for each of N operations would be N² readings, and where records are properties of ZFS's each runs a program.
/// </summary>
internal sealed class KnownRecords(Journal journal, ChangePlanners planners, TimeProvider time) : IDisposable
{
    // Who asks again later reads all of them again: another host, with a journal of its own, may have the same pool.
    private static readonly TimeSpan s_holds = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<PoolName, KnownPool> _pools = [];
    private HashSet<Guid> _ended = [];
    private long _asked;

    /// <summary>All that are in a pool now.</summary>
    internal async Task<IReadOnlyList<KeyValuePair<VolumeName, VolumeRecord>>> OfAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (time.GetElapsedTime(_asked) > s_holds)
            {
                _pools.Clear();
            }

            LookAtJournal();   // first: what changes while records are read is seen the next time
            _asked = time.GetTimestamp();
            KnownPool known = _pools.TryGetValue(pool.Name, out KnownPool? there) && there.Id == pool.Id ? there : await ReadAsync(pool, cancellationToken);
            foreach (VolumeName name in known.Changed.ToArray())
            {
                await known.ReadAsync(pool, name, cancellationToken);
            }

            return [.. known.Records];
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task<KnownPool> ReadAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        _pools.Remove(pool.Name);
        KnownPool known = new(pool.Id);
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            await known.ReadAsync(pool, volume.Name, cancellationToken);
        }

        return _pools[pool.Name] = known;   // whole, or it is not kept
    }

    // Notes what operations have in hand, or had and have ended since the last look.
    private void LookAtJournal()
    {
        HashSet<Guid> now = [.. journal.Ids()];
        if (_pools.Count == 0)
        {
            now.ExceptWith(journal.ReadOpen().Select(document => document.Operation.Id));
            _ended = now;   // what they did is in the records that are read after this
            return;
        }

        _ended.IntersectWith(now);
        foreach (Guid id in now.Where(id => !_ended.Contains(id)).ToArray())
        {
            try
            {
                OperationReport operation = journal.Read(id).Operation;
                Note(operation);
                if (operation.State is OperationState.Succeeded or OperationState.Failed or OperationState.Cancelled or OperationState.Cleared)
                {
                    _ended.Add(id);
                }
            }
            catch (StorageException)
            {
                _pools.Clear();   // what it did can't be known
                return;
            }
        }
    }

    private void Note(OperationReport operation)
    {
        if (operation.Request.Scope is not PoolName pool || !_pools.TryGetValue(pool, out KnownPool? known))
        {
            return;
        }

        VolumeName[] names = [.. planners.For(operation.Request).Owns(operation.Request, operation.Id)];
        known.Changed.UnionWith(names);
        if (names.Length == 0)
        {
            _pools.Remove(pool);   // it had the pool as a whole in hand
        }
    }

    private sealed class KnownPool(Guid id)
    {
        internal Guid Id => id;

        internal Dictionary<VolumeName, VolumeRecord> Records { get; } = [];

        internal HashSet<VolumeName> Changed { get; } = [];

        internal async Task ReadAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
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
