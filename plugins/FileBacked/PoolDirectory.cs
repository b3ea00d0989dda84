using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Where a pool lies: its mark, its lock, and its volumes below <c>volumes/</c>.</summary>
internal sealed class PoolDirectory(string path, PoolName name)
{
    // ext4 makes it in every file system's root, which may well be the pool's directory.
    private const string LostAndFound = "lost+found";

    internal string Path { get; } = System.IO.Path.TrimEndingDirectorySeparator(path);

    internal PoolName Name => name;

    internal string MarkPath => In(Path, "pool.json");

    internal string LockPath => In(Path, "lock");

    internal string Volumes => In(Path, "volumes");

    /// <summary>The pool's mark; null when nothing is there, or an empty directory.</summary>
    /// <param name="toMake">Whether a pool is to be made there, which needs it closed to others though it is empty. One is looked for in any: so looks a mount point without its disk.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours.</exception>
    internal PoolMark? Find(bool toMake = true)
    {
        // A link to a directory that is not there exists too: Path.Exists follows it.
        if (new FileInfo(Path).LinkTarget is not null)
        {
            throw Foreign("is a symbolic link: name the directory itself");
        }

        if (!Directory.Exists(Path))
        {
            return File.Exists(Path) ? throw Foreign("is no directory") : null;
        }

        DirectoryOwner owner;
        using (DirectoryHandle directory = DirectoryHandle.Open(Path))
        {
            owner = directory.Look();
            Require(owner.IsOurs, "belongs to another user");
        }

        PoolMark? mark = PoolMark.Read(MarkPath);
        if (mark is null)
        {
            string? foreign = Entries().FirstOrDefault(entry => entry != LostAndFound && !IsUnfinished(entry));
            Require(foreign is null, $"holds '{foreign}' and no pool of ours: name an empty directory, or one that is not there");
        }
        else
        {
            Require(mark.Mark.IsOurs, "is marked as somebody else's");
            Require(mark.Name == $"{name}", $"is the pool '{mark.Name}'");
        }

        // Last: only what is empty or ours may be told to be closed to others.
        const UnixFileMode Others = (UnixFileMode)0b111_111;
        Require((mark is null && !toMake) || (owner.Mode & Others) == 0, $"is open to other users: run 'chmod 0700 {Path}'");
        return mark;
    }

    /// <summary>Takes the lock of the pool's metadata for <paramref name="title"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: another process has it for too long.</exception>
    internal ValueTask<FileLock> LockAsync(string title, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
        => FileLock.AcquireAsync(LockPath, title, limit, time, cancellationToken);

    /// <summary>The temporary name beside <paramref name="target"/> of what <paramref name="operation"/> makes or takes away. No name of ours begins with a dot.</summary>
    internal static string Unfinished(string target, Guid operation)
        => In(System.IO.Path.GetDirectoryName(target)!, $".tmp-{operation:N}-{System.IO.Path.GetFileName(target)}");

    /// <summary>Whether <paramref name="entry"/> is such a name.</summary>
    internal static bool IsUnfinished(string entry) => entry.StartsWith(".tmp-", StringComparison.Ordinal);

    /// <summary>Removes a file or directory with all in it, and says whether there was one.</summary>
    internal static bool Remove(string target) => FileCalls.Run(target, () =>
    {
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
            return true;
        }

        bool there = File.Exists(target);
        if (there)
        {
            File.Delete(target);
        }

        return there;
    });

    /// <summary>Makes a directory that only its owner may use, in one that is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: what it is to lie in is gone. A pool that was removed or unmounted is not made again by a volume.</exception>
    internal static void Make(string target)
    {
        string parent = System.IO.Path.GetDirectoryName(target)!;
        if (!Directory.Exists(parent))
        {
            throw new StorageException(StorageErrorKind.NotFound, target, $"can't be made: {parent} is not there");
        }

        DurableFile.MakeDirectory(target);
    }

    /// <summary>What lies in the directory, by name.</summary>
    internal IEnumerable<string> Entries() => Entries(Path);

    /// <summary>What lies in <c>volumes/</c>, which is made with the first volume.</summary>
    internal IEnumerable<string> VolumeEntries() => Directory.Exists(Volumes) ? Entries(Volumes) : [];

    /// <summary>What lies in <paramref name="directory"/>, by name.</summary>
    internal static IEnumerable<string> Entries(string directory)
        => FileCalls.Run(directory, () => Directory.GetFileSystemEntries(directory).Select(entry => System.IO.Path.GetFileName(entry)!).Order(StringComparer.Ordinal));

    internal static string In(string directory, string entry) => System.IO.Path.Combine(directory, entry);

    private StorageException Foreign(string why) => new(StorageErrorKind.Conflict, $"{name}", $"{Path} {why}");

    private void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw Foreign(otherwise);
        }
    }
}
