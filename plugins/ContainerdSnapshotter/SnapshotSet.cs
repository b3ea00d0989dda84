using EveStorage.ContainerdSnapshotter.Protocol;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>The snapshots of one name that containerd gives its snapshotter, and what may become of each.</summary>
internal sealed class SnapshotSet
{
    private readonly LayerDirectory _directory;
    private readonly LayerForms _forms;
    private readonly LayerRemoval _removal;
    private readonly TimeProvider _time;
    private readonly int _most;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Number, SnapshotRecord Record)> _all = [];
    private readonly HashSet<string> _making = [];
    private readonly HashSet<string> _committing = [];
    private readonly Dictionary<string, int> _children = [];
    private long _last;

    internal SnapshotSet(LayerDirectory directory, LayerForms forms, LayerRemoval removal, TimeProvider time, int most)
    {
        (_directory, _forms, _removal, _time, _most) = (directory, forms, removal, time, most);
        foreach ((long number, SnapshotRecord record) in directory.Read(removal.Add))
        {
            forms.Of(record.Mode).Resume(directory.PathOf(number), record);
            Add(number, record);
            _last = Math.Max(_last, number);
        }
    }

    /// <summary>Makes a snapshot on <paramref name="parent"/>, to be written or to be looked at.</summary>
    /// <returns>How to mount it.</returns>
    internal async Task<IReadOnlyList<Mount>> MakeAsync(Kind kind, string key, string parent, IReadOnlyDictionary<string, string> labels)
    {
        SnapshotNames.Require(key, labels);
        (long number, SnapshotRecord wanted) = Begin(kind, key, parent, labels);
        SnapshotRecord? made = null;
        IReadOnlyList<Mount>? mounts = null;
        try
        {
            // Not under the lock: it may have to be made of its parent's, and to grow.
            made = await _directory.MakeAsync(number, wanted, _forms.Of(wanted.Mode));
            mounts = MountsOf(number, made);
            return mounts;
        }
        finally
        {
            End(number, wanted, mounts is null ? null : made, isThere: made is not null);
        }
    }

    /// <summary>How to mount a snapshot that is written or looked at.</summary>
    internal IReadOnlyList<Mount> MountsOf(string key)
    {
        lock (_lock)
        {
            (long number, SnapshotRecord record) = Require(key);
            return record.Kind == Kind.Committed
                ? throw new StorageException(StorageErrorKind.Busy, key, "is committed: prepare or view one on it")
                : MountsOf(number, record);
        }
    }

    /// <summary>Fixes a snapshot that was written, under another name.</summary>
    internal async Task CommitAsync(string name, string key, IReadOnlyDictionary<string, string> labels)
    {
        SnapshotNames.Require(name, labels);
        long number;
        SnapshotRecord active;
        lock (_lock)
        {
            (number, active) = RequireActive(name, key);
            RequireNoCommit(key);
            _committing.Add(key);   // from here on it stays: nobody removes it, and nobody else commits it
        }

        try
        {
            // Not under the lock: what was written has to be on the disk first, and counting it may take as long as it is large.
            ILayerForm form = _forms.Of(active.Mode);
            using FixedLayer layer = await form.FixAsync(_directory.PathOf(number), active);
            Commit(name, key, labels, form, layer);
        }
        finally
        {
            lock (_lock)
            {
                _committing.Remove(key);
            }
        }
    }

    /// <summary>Removes a snapshot that nothing lies on. It is gone at once; its bytes go later.</summary>
    internal void Remove(string key)
    {
        lock (_lock)
        {
            (long number, SnapshotRecord record) = Require(key);
            if (_children.GetValueOrDefault(key) > 0 && record.Kind == Kind.Committed)
            {
                throw new StorageException(StorageErrorKind.Busy, key, "has others that lie on it: remove those first");
            }

            RequireNoCommit(key);

            string left = _directory.Retire(number);
            _forms.Of(record.Mode).Release(_directory.PathOf(number));
            Forget(key, record);
            _removal.Add(left);
        }
    }

    /// <summary>A snapshot.</summary>
    internal SnapshotRecord Stat(string key)
    {
        lock (_lock)
        {
            return Require(key).Record;
        }
    }

    /// <summary>Changes labels: all of them, or those that <paramref name="paths"/> name.</summary>
    internal SnapshotRecord Update(string key, IReadOnlyDictionary<string, string> labels, IReadOnlyList<string> paths)
    {
        lock (_lock)
        {
            (long number, SnapshotRecord record) = Require(key);
            IReadOnlyDictionary<string, string> changed = SnapshotNames.Change(record.Labels, labels, paths);
            SnapshotNames.Require(key, changed);
            SnapshotRecord updated = record with { Labels = changed, Updated = _time.GetUtcNow() };
            _directory.Write(number, updated);
            _all[key] = (number, updated);
            return updated;
        }
    }

    /// <summary>Every snapshot, as they are at one moment.</summary>
    internal IReadOnlyList<SnapshotRecord> List()
    {
        lock (_lock)
        {
            return [.. _all.Values.OrderBy(one => one.Number).Select(one => one.Record)];
        }
    }

    /// <summary>What a snapshot takes by itself.</summary>
    internal LayerUsage UsageOf(string key)
    {
        long number;
        SnapshotRecord record;
        lock (_lock)
        {
            (number, record) = Require(key);
        }

        return record.Usage
            ?? (record.Kind == Kind.Active ? _forms.Of(record.Mode).Measure(_directory.PathOf(number), record).Without(record.Lower) : new(0, 0));
    }

    // What is being made has its name already, and keeps what it lies on.
    private (long Number, SnapshotRecord Wanted) Begin(Kind kind, string key, string parent, IReadOnlyDictionary<string, string> labels)
    {
        lock (_lock)
        {
            if (_all.ContainsKey(key) || _making.Contains(key))
            {
                throw new StorageException(StorageErrorKind.Conflict, key, "is there");
            }

            if (_all.Count + _making.Count >= _most)
            {
                throw new StorageException(StorageErrorKind.OutOfSpace, key, $"would be one more than the {_most} snapshots that MaxSnapshots allows: remove some");
            }

            IReadOnlyList<long> below = [];
            LayerMode mode = _forms.Ordinary;
            if (parent.Length > 0)
            {
                (long number, SnapshotRecord record) = Require(parent);
                mode = record.Mode;
                below = record.Kind == Kind.Committed
                    ? [number, .. record.Below]
                    : throw new StorageException(StorageErrorKind.InvalidConfiguration, parent, "is not committed, so that nothing can lie on it");
            }

            DateTimeOffset now = _time.GetUtcNow();
            SnapshotRecord wanted = new()
            {
                Key = key,
                Kind = kind,
                Parent = parent,
                Below = below,
                Created = now,
                Updated = now,
                Labels = labels,
                Mode = mode,
                Limit = kind == Kind.Active ? LayerLimit.Of(key, labels) : null,
            };
            _making.Add(key);
            Count(parent, 1);
            return (++_last, wanted);
        }
    }

    private void End(long number, SnapshotRecord wanted, SnapshotRecord? made, bool isThere)
    {
        lock (_lock)
        {
            _making.Remove(wanted.Key);
            Count(wanted.Parent, -1);
            if (made is not null)
            {
                Add(number, made);
            }
            else if (isThere)
            {
                _forms.Of(wanted.Mode).Release(_directory.PathOf(number));
                _removal.Add(_directory.Retire(number));
            }
        }
    }

    private void Commit(string name, string key, IReadOnlyDictionary<string, string> labels, ILayerForm form, FixedLayer layer)
    {
        lock (_lock)
        {
            (long number, SnapshotRecord record) = RequireActive(name, key);
            DateTimeOffset now = _time.GetUtcNow();
            SnapshotRecord committed = record with
            {
                Key = name,
                Kind = Kind.Committed,
                Created = now,
                Updated = now,
                Labels = labels,
                Usage = layer.Usage.Without(record.Lower),
            };
            layer.Keep();
            _directory.Write(number, committed);
            form.Release(_directory.PathOf(number));
            Forget(key, record);
            Add(number, committed);
        }
    }

    private (long Number, SnapshotRecord Record) Require(string key)
        => _all.TryGetValue(key, out (long, SnapshotRecord) found) ? found : throw new StorageException(StorageErrorKind.NotFound, key, "is no snapshot here");

    private (long Number, SnapshotRecord Record) RequireActive(string name, string key)
    {
        if (_all.ContainsKey(name) || _making.Contains(name))
        {
            throw new StorageException(StorageErrorKind.Conflict, name, "is there");
        }

        (long number, SnapshotRecord record) = Require(key);
        return record.Kind == Kind.Active ? (number, record) : throw new StorageException(StorageErrorKind.Busy, key, "is not one that is written, so that it can't be committed");
    }

    private void RequireNoCommit(string key)
    {
        if (_committing.Contains(key))
        {
            throw new StorageException(StorageErrorKind.Busy, key, "is being committed: try again when that is done");
        }
    }

    private void Add(long number, SnapshotRecord record)
    {
        _all[record.Key] = (number, record);
        Count(record.Parent, 1);
    }

    private void Forget(string key, SnapshotRecord record)
    {
        _all.Remove(key);
        Count(record.Parent, -1);
    }

    private void Count(string parent, int more)
    {
        int children = _children.GetValueOrDefault(parent) + more;
        if (parent.Length > 0 && children > 0)
        {
            _children[parent] = children;
        }
        else
        {
            _children.Remove(parent);
        }
    }

    private IReadOnlyList<Mount> MountsOf(long number, SnapshotRecord record)
        => _forms.Of(record.Mode).MountsOf(_directory.PathOf(number), record, [.. record.Below.Select(_directory.PathOf)]);
}
