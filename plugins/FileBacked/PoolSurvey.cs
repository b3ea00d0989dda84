using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Looks at all that lies in a pool, each time somebody asks for its status: the daemon does every 15 seconds. Of a volume that was found as it
/// should be, only what tells whether it still is the same is looked at again: five stamps, whoever changed it, in this process or another. One
/// that is not as it should be, or that was changed just now, is read again each time.
/// </summary>
internal sealed class PoolSurvey(PoolDirectory pool, Action<VolumeName, List<string>> read, TimeProvider time)
{
    private const string Image = "image";

    // After that all is read again, for what no stamp tells: blocks that a file system takes or gives back by itself.
    private static readonly TimeSpan s_holds = TimeSpan.FromMinutes(10);

    private readonly Lock _looking = new();
    private readonly Dictionary<string, KnownVolume> _known = [];
    private IReadOnlyList<string> _entries = [];
    private FileStamp _stamp;
    private long _since;

    /// <summary>Adds what is wrong to <paramref name="problems"/>, and returns the space that all of it takes.</summary>
    internal ByteSize Look(List<string> problems)
    {
        lock (_looking)
        {
            AddUnfinished(pool.Path, "", problems);
            if (!Directory.Exists(pool.Volumes))
            {
                Forget();
                return default;
            }

            if (time.GetElapsedTime(_since) > s_holds)
            {
                Forget();
            }

            // An administrator may have moved them to where there is room.
            using DirectoryHandle volumes = DirectoryHandle.Open(new DirectoryInfo(pool.Volumes).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? pool.Volumes);
            LookAtNames(volumes);
            long used = 0;
            foreach (string entry in _entries)
            {
                used += Measure(volumes, entry, problems);
            }

            return new(used);
        }
    }

    private void Forget()
    {
        _known.Clear();
        _stamp = default;
        _since = time.GetTimestamp();
    }

    private void LookAtNames(DirectoryHandle volumes)
    {
        FileStamp stamp = volumes.StampOf(".", out _);
        if (stamp == _stamp)
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        _entries = [.. PoolDirectory.Entries(pool.Volumes)];
        _stamp = stamp.IsSettled(now) ? stamp : default;
        HashSet<string> there = [.. _entries];
        foreach (string gone in _known.Keys.Where(name => !there.Contains(name)).ToArray())
        {
            _known.Remove(gone);
        }
    }

    // What keeps one volume from being looked at, as its lock or a sector that can't be read, hides no other, and not the space of all.
    private long Measure(DirectoryHandle volumes, string entry, List<string> problems)
    {
        try
        {
            return _known.TryGetValue(entry, out KnownVolume? known) && known.IsSame(volumes, entry, out long image) ? known.Beside + image : Read(volumes, entry, problems);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return 0;   // it was deleted while we looked
        }
        catch (StorageException e)
        {
            _known.Remove(entry);
            problems.Add($"{pool.Name}/{entry}: can't be looked at, and its space is not counted: {e.Message}");
            return 0;
        }
    }

    private long Read(DirectoryHandle volumes, string entry, List<string> problems)
    {
        _known.Remove(entry);
        if (PoolDirectory.IsUnfinished(entry))
        {
            problems.Add(CutShort($"volumes/{entry}"));
        }

        return VolumeName.TryParse(entry, out VolumeName name) ? Read(volumes, name, entry, problems) : SumOf(volumes, entry);
    }

    private long Read(DirectoryHandle volumes, VolumeName name, string entry, List<string> problems)
    {
        // Before anything is read: what changes meanwhile has another stamp the next time.
        DateTimeOffset now = time.GetUtcNow();
        KnownVolume found = KnownVolume.Of(volumes, entry);
        int before = problems.Count;
        AddUnfinished(PoolDirectory.In(pool.Volumes, entry), $"volumes/{entry}", problems);
        AddUnfinished(PoolDirectory.In(pool.Volumes, $"{entry}/snapshots"), $"volumes/{entry}/snapshots", problems);
        read(name, problems);
        if (problems.Count > before || !found.IsSettled(now))
        {
            return SumOf(volumes, entry);
        }

        string image = PoolDirectory.In(pool.Volumes, $"{entry}/{Image}");
        long beside = PoolSpace.Sum(PoolDirectory.In(pool.Volumes, entry), but: image);
        _known.Add(entry, found with { Beside = beside });
        return beside + BlockFile.Look(image).Allocated;
    }

    private long SumOf(DirectoryHandle volumes, string entry)
        => volumes.StampOf(entry, out long allocated).Kind switch
        {
            FileStampKind.Directory => PoolSpace.Sum(PoolDirectory.In(pool.Volumes, entry)),
            FileStampKind.File => allocated,
            _ => 0,
        };

    private void AddUnfinished(string directory, string place, List<string> problems)
    {
        if (Directory.Exists(directory))
        {
            problems.AddRange(PoolDirectory.Entries(directory).Where(PoolDirectory.IsUnfinished).Select(entry => CutShort(Path.Combine(place, entry))));
        }
    }

    private string CutShort(string entry) => $"{pool.Name}: {entry} is left of an operation that was cut short: run or undo that operation";

    /// <summary>A volume that was as it should be: the stamps of what was read of it.</summary>
    private sealed record KnownVolume(FileStamp Self, FileStamp Snapshots, FileStamp Record, FileStamp Layout)
    {
        /// <summary>What all but its image takes.</summary>
        internal long Beside { get; init; }

        internal static KnownVolume Of(DirectoryHandle volumes, string entry)
            => new(
                volumes.StampOf(entry, out _), StampOf(volumes, entry, "snapshots", out _), StampOf(volumes, entry, "record.json", out _), StampOf(volumes, entry, "layout.json", out _));

        /// <summary>Whether nothing of it was changed since, but for what is in its image, whose space is told.</summary>
        internal bool IsSame(DirectoryHandle volumes, string entry, out long image)
            => StampOf(volumes, entry, Image, out image).Kind == FileStampKind.File
                && volumes.StampOf(entry, out _) == Self
                && StampOf(volumes, entry, "snapshots", out _) == Snapshots
                && StampOf(volumes, entry, "record.json", out _) == Record
                && StampOf(volumes, entry, "layout.json", out _) == Layout;

        /// <summary>Whether it is a volume, of which a stamp tells each change after <paramref name="read"/>.</summary>
        internal bool IsSettled(DateTimeOffset read)
            => Self.Kind == FileStampKind.Directory && Snapshots.Kind is FileStampKind.Directory or FileStampKind.None
                && Record.Kind == FileStampKind.File && Layout.Kind == FileStampKind.File
                && Self.IsSettled(read) && Snapshots.IsSettled(read) && Record.IsSettled(read) && Layout.IsSettled(read);

        private static FileStamp StampOf(DirectoryHandle volumes, string entry, string file, out long allocated)
        {
            Span<char> path = stackalloc char[VolumeName.MaxLength + 1 + file.Length];
            entry.CopyTo(path);
            path[entry.Length] = '/';
            file.CopyTo(path[(entry.Length + 1)..]);
            return volumes.StampOf(path[..(entry.Length + 1 + file.Length)], out allocated);
        }
    }
}
