using EveStorage;

namespace Samples.Btrfs;

/// <summary>Where a snapshot lies: a directory with its mark and the read-only subvolume <c>data</c>.</summary>
internal sealed class SnapshotPlace(VolumePlace volume, SnapshotName name)
{
    internal SnapshotName Name => name;

    internal VolumePlace Volume => volume;

    internal string Subject => $"{volume.Subject}@{name.Label}";

    internal string Path => System.IO.Path.Combine(volume.Snapshots, name.Label);

    internal string Data => VolumePlace.DataIn(Path);

    /// <summary>The snapshots of a volume, oldest first.</summary>
    internal static IReadOnlyList<SnapshotPlace> Of(VolumePlace volume)
        => [.. Failure.Guard(volume.Subject, () => Directory.Exists(volume.Snapshots) ? Directory.GetDirectories(volume.Snapshots) : [])
            .Where(entry => !PoolPlace.IsTemporary(entry))
            .Select(entry => new SnapshotPlace(volume, new(volume.Name, System.IO.Path.GetFileName(entry))))
            .Where(snapshot => snapshot.Find() is not null)
            .OrderBy(snapshot => snapshot.Find()!.Created)];

    /// <summary>Its mark; null when it is not there.</summary>
    internal SnapshotMark? Find() => Documents.Read(System.IO.Path.Combine(Path, "snapshot.json"), BtrfsJson.Default.SnapshotMark) is { Mark.IsOurs: true } mark ? mark : null;

    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none.</exception>
    internal SnapshotMark Require() => Find() ?? throw new StorageException(StorageErrorKind.NotFound, Subject, "there is no such snapshot");

    internal ByteSize Size() => new(Failure.Guard(Subject, () => new FileInfo(VolumePlace.ImageIn(Path)).Length));

    /// <summary>Freezes the volume. The kernel brings what was written before into the snapshot, whoever wrote it.</summary>
    internal void Take(SnapshotMark mark)
    {
        string temporary = PoolPlace.Temporary(Path, mark.Mark.Operation);
        Remove(temporary);
        Failure.Guard(Subject, () => Directory.CreateDirectory(temporary));
        Subvolume.Snapshot(volume.Data, VolumePlace.DataIn(temporary), isReadOnly: true);
        Documents.Write(System.IO.Path.Combine(temporary, "snapshot.json"), mark, BtrfsJson.Default.SnapshotMark);
        Documents.Publish(temporary, Path);
    }

    internal void Remove(Guid operation)
    {
        string temporary = PoolPlace.Temporary(Path, operation);
        Remove(temporary);
        Documents.Publish(Path, temporary);
        Remove(temporary);
    }

    internal bool RemoveUnfinished(Guid operation) => Remove(PoolPlace.Temporary(Path, operation));

    /// <summary>Removes a snapshot's directory, whatever it is called by now, and says whether it was there.</summary>
    internal static bool Remove(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return false;
        }

        Subvolume.RemoveIfThere(VolumePlace.DataIn(directory));
        Failure.Guard(directory, () => Directory.Delete(directory, recursive: true));
        return true;
    }
}
