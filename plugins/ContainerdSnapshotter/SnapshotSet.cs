using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>The snapshots of one name that containerd gives its snapshotter, and what may become of each.</summary>
internal sealed class SnapshotSet
{
    private readonly LayerDirectory _directory;
    private readonly LayerRemoval _removal;
    private readonly TimeProvider _time;
    private readonly int _most;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Number, SnapshotRecord Record)> _all = [];
    private readonly Dictionary<string, int> _children = [];
    private long _last;

    internal SnapshotSet(LayerDirectory directory, LayerRemoval removal, TimeProvider time, int most)
    {
        (_directory, _removal, _time, _most) = (directory, removal, time, most);
        foreach ((long number, SnapshotRecord record) in directory.Read(removal.Add))
        {
            Add(number, record);
            _last = Math.Max(_last, number);
        }
    }

    /// <summary>Makes a snapshot on <paramref name="parent"/>, to be written or to be looked at.</summary>
    /// <returns>How to mount it.</returns>
    internal IReadOnlyList<Mount> Make(Kind kind, string key, string parent, IReadOnlyDictionary<string, string> labels)
    {
        SnapshotNames.Require(key, labels);
        lock (_lock)
        {
            if (_all.ContainsKey(key))
            {
                throw new StorageException(StorageErrorKind.Conflict, key, "is there");
            }

            if (_all.Count >= _most)
            {
                throw new StorageException(StorageErrorKind.OutOfSpace, key, $"would be one more than the {_most} snapshots that MaxSnapshots allows: remove some");
            }

            IReadOnlyList<long> below = [];
            if (parent.Length > 0)
            {
                (long number, SnapshotRecord record) = Require(parent);
                below = record.Kind == Kind.Committed
                    ? [number, .. record.Below]
                    : throw new StorageException(StorageErrorKind.InvalidConfiguration, parent, "is not committed, so that nothing can lie on it");
            }

            DateTimeOffset now = _time.GetUtcNow();
            SnapshotRecord made = new() { Key = key, Kind = kind, Parent = parent, Below = below, Created = now, Updated = now, Labels = labels };
            long next = ++_last;
            _directory.Make(next, made);
            Add(next, made);
            return MountsOf(next, made);
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
    internal void Commit(string name, string key, IReadOnlyDictionary<string, string> labels)
    {
        SnapshotNames.Require(name, labels);
        long number;
        lock (_lock)
        {
            number = RequireActive(name, key).Number;
        }

        // Not under the lock: what was written has to be on the disk first, and counting it takes as long as it is large.
        MountedFileSystem.Sync(_directory.FilesOf(number));
        LayerUsage usage = _directory.Measure(number);
        lock (_lock)
        {
            (long still, SnapshotRecord record) = RequireActive(name, key);
            if (still != number)
            {
                throw new StorageException(StorageErrorKind.Busy, key, "was replaced meanwhile: try again");
            }

            DateTimeOffset now = _time.GetUtcNow();
            SnapshotRecord committed = record with { Key = name, Kind = Kind.Committed, Created = now, Updated = now, Labels = labels, Usage = usage };
            _directory.Write(number, committed);
            Forget(key, record);
            Add(number, committed);
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

            string left = _directory.Retire(number);
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

        return record.Usage ?? (record.Kind == Kind.Active ? _directory.Measure(number) : new(0, 0));
    }

    private (long Number, SnapshotRecord Record) Require(string key)
        => _all.TryGetValue(key, out (long, SnapshotRecord) found) ? found : throw new StorageException(StorageErrorKind.NotFound, key, "is no snapshot here");

    private (long Number, SnapshotRecord Record) RequireActive(string name, string key)
    {
        if (_all.ContainsKey(name))
        {
            throw new StorageException(StorageErrorKind.Conflict, name, "is there");
        }

        (long number, SnapshotRecord record) = Require(key);
        return record.Kind == Kind.Active ? (number, record) : throw new StorageException(StorageErrorKind.Busy, key, "is not one that is written, so that it can't be committed");
    }

    private void Add(long number, SnapshotRecord record)
    {
        _all[record.Key] = (number, record);
        if (record.Parent.Length > 0)
        {
            _children[record.Parent] = _children.GetValueOrDefault(record.Parent) + 1;
        }
    }

    private void Forget(string key, SnapshotRecord record)
    {
        _all.Remove(key);
        if (record.Parent.Length > 0 && --_children[record.Parent] == 0)
        {
            _children.Remove(record.Parent);
        }
    }

    // As overlayfs takes it: Documentation/filesystems/overlayfs.rst. One layer alone needs no overlay.
    private IReadOnlyList<Mount> MountsOf(long number, SnapshotRecord record)
    {
        bool written = record.Kind == Kind.Active;
        if (record.Below.Count == 0 || (!written && record.Below.Count == 1))
        {
            Mount bind = new() { Type = "bind", Source = _directory.FilesOf(record.Below.Count == 0 ? number : record.Below[0]) };
            bind.Options.AddRange([written ? "rw" : "ro", "rbind"]);
            return [bind];
        }

        Mount overlay = new() { Type = "overlay", Source = "overlay" };
        overlay.Options.Add("index=off");
        if (written)
        {
            overlay.Options.AddRange([$"workdir={_directory.WorkOf(number)}", $"upperdir={_directory.FilesOf(number)}"]);
        }

        overlay.Options.Add($"lowerdir={string.Join(':', record.Below.Select(_directory.FilesOf))}");
        return [overlay];
    }
}
