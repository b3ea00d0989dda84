using EveStorage;

namespace Samples.Btrfs;

/// <summary>
/// Where a volume lies: a directory with its record, its settings, the note of its last change, its snapshots, and the subvolume
/// <c>data</c> with its image. One rename gives it another name, with all that belongs to it.
/// </summary>
internal sealed class VolumePlace(PoolPlace pool, VolumeName name)
{
    internal VolumeName Name => name;

    internal string Subject => $"{pool.Name}/{name}";

    internal string Path => System.IO.Path.Combine(pool.Volumes, $"{name}");

    internal string Data => DataIn(Path);

    internal string Image => ImageIn(Path);

    internal string Snapshots => System.IO.Path.Combine(Path, "snapshots");

    internal static string DataIn(string directory) => System.IO.Path.Combine(directory, "data");

    internal static string ImageIn(string directory) => System.IO.Path.Combine(directory, "data", "image");

    /// <summary>Our volume's record; null when nothing is there, or what is there is not ours.</summary>
    internal VolumeRecord? Find() => ReadRecord(Path) is { Mark.IsOurs: true } record ? record : null;

    /// <summary>Our volume's record; null when nothing is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours.</exception>
    internal VolumeRecord? FindOurs()
        => Find() ?? (System.IO.Path.Exists(Path) ? throw new StorageException(StorageErrorKind.Conflict, Subject, $"{Path} is there and not ours") : null);

    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such volume.</exception>
    internal VolumeRecord Require() => FindOurs() ?? throw new StorageException(StorageErrorKind.NotFound, Subject, "there is no such volume");

    internal ByteSize Size() => new(Failure.Guard(Subject, () => new FileInfo(Image).Length));

    internal VolumeSettings Settings()
        => Documents.Read(System.IO.Path.Combine(Path, "settings.json"), BtrfsJson.Default.VolumeSettings)
            ?? throw new StorageException(StorageErrorKind.Corrupt, Subject, "has no settings.json");

    /// <summary>The last change in place; null when there was none.</summary>
    internal ChangeNote? Note() => Documents.Read(System.IO.Path.Combine(Path, "change.json"), BtrfsJson.Default.ChangeNote);

    /// <summary>
    /// Says, before a change in place, that <paramref name="operation"/> is about to make it, and how all was: after a crash the
    /// marks alone have to tell whether it did.
    /// </summary>
    internal void Note(Guid operation)
        => Documents.Write(
            System.IO.Path.Combine(Path, "change.json"), new(Documents.Format, operation, $"{name}", Size().Bytes, Subvolume.IdOf(Data)), BtrfsJson.Default.ChangeNote);

    internal void WriteRecord(VolumeRecord record) => Documents.WriteBytes(System.IO.Path.Combine(Path, "record.json"), VolumeDocument.Write(record, Subject));

    /// <summary>Builds a volume under a temporary name: nothing is published half-made.</summary>
    /// <param name="record">Its record, with the mark.</param>
    /// <param name="settings">How it is made.</param>
    /// <param name="makeData">Makes the subvolume at that path, and the image in it.</param>
    /// <returns>The temporary name.</returns>
    internal string Build(VolumeRecord record, VolumeSettings settings, Action<string> makeData)
    {
        string temporary = PoolPlace.Temporary(Path, record.Mark.Operation);
        Failure.Guard(Subject, () => Directory.CreateDirectory(pool.Volumes));
        Remove(temporary);
        Failure.Guard(Subject, () => Directory.CreateDirectory(System.IO.Path.Combine(temporary, "snapshots")));
        makeData(DataIn(temporary));
        Documents.Write(System.IO.Path.Combine(temporary, "settings.json"), settings, BtrfsJson.Default.VolumeSettings);
        Documents.WriteBytes(System.IO.Path.Combine(temporary, "record.json"), VolumeDocument.Write(record, Subject));
        return temporary;
    }

    /// <summary>Removes the volume: first its name is gone, then its bytes.</summary>
    internal void Remove(Guid operation)
    {
        string temporary = PoolPlace.Temporary(Path, operation);
        Remove(temporary);
        Documents.Publish(Path, temporary);
        Remove(temporary);
    }

    /// <summary>Removes what <paramref name="operation"/> left unfinished of it, and says whether there was something.</summary>
    internal bool RemoveUnfinished(Guid operation) => Remove(PoolPlace.Temporary(Path, operation));

    private static bool Remove(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return false;
        }

        string snapshots = System.IO.Path.Combine(directory, "snapshots");
        foreach (string snapshot in Directory.Exists(snapshots) ? Failure.Guard(snapshots, () => Directory.GetDirectories(snapshots)) : [])
        {
            SnapshotPlace.Remove(snapshot);
        }

        Subvolume.RemoveIfThere(DataIn(directory));
        Failure.Guard(directory, () => Directory.Delete(directory, recursive: true));
        return true;
    }

    private VolumeRecord? ReadRecord(string directory)
        => Documents.ReadBytes(System.IO.Path.Combine(directory, "record.json")) is byte[] document ? VolumeDocument.Read(document, Subject) : null;
}
