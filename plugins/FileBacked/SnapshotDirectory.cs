using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Where a snapshot lies: <c>snapshots/LABEL</c> of its volume, with its own image and mark.</summary>
internal sealed class SnapshotDirectory(VolumeDirectory volume, SnapshotName name)
{
    internal VolumeDirectory Volume => volume;

    internal SnapshotName Name => name;

    internal string Subject => $"{volume.Pool.Name}/{name}";

    internal string Path { get; } = PoolDirectory.In(volume.Snapshots, name.Label);

    internal string Image => VolumeDirectory.ImageIn(Path);

    /// <summary>The snapshots of a volume, oldest first.</summary>
    internal static IEnumerable<SnapshotDirectory> Of(VolumeDirectory volume)
        => Directory.Exists(volume.Snapshots)
            ? PoolDirectory.Entries(volume.Snapshots)
                .Where(entry => !PoolDirectory.IsUnfinished(entry))
                .Select(entry => SnapshotName.TryParse($"{volume.Name}@{entry}", out SnapshotName snapshot) ? new SnapshotDirectory(volume, snapshot) : null)
                .OfType<SnapshotDirectory>()
                .Where(snapshot => snapshot.Find() is not null)
                .OrderBy(snapshot => snapshot.Find()!.Created)
                .ThenBy(snapshot => snapshot.Name.Label, StringComparer.Ordinal)
            : [];

    /// <summary>Its mark; null when it is not there, or not ours.</summary>
    internal SnapshotMark? Find() => MarkIn(Path) is { Mark.IsOurs: true } mark ? mark : null;

    /// <summary>Its mark; null when nothing of that name is there.</summary>
    /// <exception cref="StorageException">What is there is not ours.</exception>
    internal SnapshotMark? FindOurs()
        => Find() ?? (System.IO.Path.Exists(Path) ? throw new StorageException(StorageErrorKind.Conflict, Subject, $"{Path} is there and not ours") : null);

    /// <summary>Its mark.</summary>
    /// <exception cref="StorageException">There is no such snapshot.</exception>
    internal SnapshotMark Require()
        => FindOurs() ?? throw new StorageException(StorageErrorKind.NotFound, Subject, "there is no such snapshot");

    /// <summary>Makes its directory under a temporary name, with an empty image.</summary>
    internal BlockFile Begin(Guid operation)
    {
        string temporary = Temporary(operation);
        PoolDirectory.Make(volume.Snapshots);
        PoolDirectory.Remove(temporary);
        PoolDirectory.Make(temporary);
        return BlockFile.Create(VolumeDirectory.ImageIn(temporary), Subject);
    }

    /// <summary>Marks what <see cref="Begin"/> made, and gives it its name.</summary>
    internal void Publish(SnapshotMark mark)
    {
        string temporary = Temporary(mark.Mark.Operation);
        Documents.Write(PoolDirectory.In(temporary, "snapshot.json"), mark, FileJson.Default.SnapshotMark);
        DurableFile.Publish(temporary, Path);
    }

    /// <summary>Removes it. It is gone by name first.</summary>
    internal void Remove(Guid operation)
    {
        string temporary = Temporary(operation);
        PoolDirectory.Remove(temporary);
        DurableFile.Publish(Path, temporary);
        VolumeDirectory.GiveBack(VolumeDirectory.ImageIn(temporary));
        PoolDirectory.Remove(temporary);
    }

    /// <summary>Removes what <paramref name="operation"/> left unfinished, and says whether there was anything.</summary>
    internal bool RemoveUnfinished(Guid operation)
    {
        VolumeDirectory.GiveBack(VolumeDirectory.ImageIn(Temporary(operation)));
        return PoolDirectory.Remove(Temporary(operation));
    }

    private static SnapshotMark? MarkIn(string directory) => Documents.Read(PoolDirectory.In(directory, "snapshot.json"), FileJson.Default.SnapshotMark);

    private string Temporary(Guid operation) => PoolDirectory.Unfinished(Path, operation);
}
