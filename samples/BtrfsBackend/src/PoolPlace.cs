using EveStorage;

namespace Samples.Btrfs;

/// <summary>
/// Where a pool lies: a subvolume with the mark in <c>pool.json</c> and below <c>volumes/</c> a directory a volume. The mark is what
/// makes it ours.
/// </summary>
internal sealed class PoolPlace(string path, PoolName name)
{
    internal string Path { get; } = System.IO.Path.TrimEndingDirectorySeparator(path);

    internal PoolName Name => name;

    internal string MarkPath => System.IO.Path.Combine(Path, "pool.json");

    internal string Volumes => System.IO.Path.Combine(Path, "volumes");

    internal static bool CanBe(string path) => System.IO.Path.IsPathRooted(path) && System.IO.Path.GetFullPath(path) == path && path.Length > 1;

    /// <summary>Whether the nearest directory of it that is there lies on a btrfs.</summary>
    internal static bool IsOnBtrfs(string path)
    {
        string there = path;
        while (!Directory.Exists(there))
        {
            there = System.IO.Path.GetDirectoryName(there) ?? "/";
        }

        return new DriveInfo(there).DriveFormat == "btrfs";
    }

    /// <summary>The temporary name beside <paramref name="target"/> of what <paramref name="operation"/> makes or takes away. No name of a volume begins with a dot.</summary>
    internal static string Temporary(string target, Guid operation)
        => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(target)!, $".tmp-{operation:N}-{System.IO.Path.GetFileName(target)}");

    internal static bool IsTemporary(string entry) => System.IO.Path.GetFileName(entry).StartsWith(".tmp-", StringComparison.Ordinal);

    /// <summary>The mark of the pool; null when nothing is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours, or another pool.</exception>
    internal PoolMark? Find()
    {
        if (!System.IO.Path.Exists(Path))
        {
            return null;
        }

        PoolMark? mark = Documents.Read(MarkPath, BtrfsJson.Default.PoolMark);
        return mark is null || !mark.Mark.IsOurs ? throw Conflict("is there and no pool of ours: name a directory that is not there")
            : mark.Name != $"{name}" ? throw Conflict($"is the pool '{mark.Name}'")
            : mark;
    }

    /// <summary>The volumes' directories, those that something is done with left out.</summary>
    internal IEnumerable<VolumePlace> All()
    {
        foreach (string entry in Failure.Guard(Path, () => Directory.Exists(Volumes) ? Directory.GetDirectories(Volumes) : []).Order(StringComparer.Ordinal))
        {
            if (VolumeName.TryParse(System.IO.Path.GetFileName(entry), out VolumeName volume))
            {
                yield return new(this, volume);
            }
        }
    }

    /// <summary>What operations have left unfinished.</summary>
    internal IEnumerable<string> Unfinished()
        => Failure.Guard(Path, () => Directory.Exists(Volumes) ? Directory.GetDirectories(Volumes) : []).Where(IsTemporary);

    private StorageException Conflict(string why) => new(StorageErrorKind.Conflict, $"{name}", $"{Path} {why}");
}
