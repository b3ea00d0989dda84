using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Where a volume lies: a directory of its name with its image, the record that marks it as ours, and its snapshots. All
/// come and go together by one rename, so that no crash leaves one without the other.
/// </summary>
internal sealed class VolumeDirectory(PoolDirectory pool, VolumeName name)
{
    internal PoolDirectory Pool => pool;

    internal VolumeName Name => name;

    /// <summary>The volume as a person types it.</summary>
    internal string Subject { get; } = $"{pool.Name}/{name}";

    internal string Path { get; } = PoolDirectory.In(pool.Volumes, $"{name}");

    internal string Image => ImageIn(Path);

    internal string Snapshots => PoolDirectory.In(Path, "snapshots");

    internal string NotePath => PoolDirectory.In(Path, "change.json");

    internal string FailurePath => PoolDirectory.In(Path, "sync-failed");

    internal static string ImageIn(string directory) => PoolDirectory.In(directory, "image");

    internal static string OriginIn(string directory) => PoolDirectory.In(directory, "origin.json");

    /// <summary>The record of the volume; null when it is not there, or is not ours.</summary>
    /// <exception cref="StorageException">The record can't be read.</exception>
    internal VolumeRecord? Find() => FileRecords.Read(Path, Subject) is { Mark.IsOurs: true } record ? record : null;

    /// <summary>The record of the volume; null when nothing of that name is there.</summary>
    /// <exception cref="StorageException">What is there is not ours.</exception>
    internal VolumeRecord? FindOurs()
        => Find() ?? (System.IO.Path.Exists(Path)
            ? throw new StorageException(StorageErrorKind.Conflict, Subject, $"{Path} is there and not ours")
            : null);

    /// <summary>The record of the volume.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    internal VolumeRecord Require()
        => FindOurs() ?? throw new StorageException(StorageErrorKind.NotFound, Subject, "there is no such volume");

    /// <summary>Refuses what would take the image for whole after a sync of it failed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NeedsAttention"/>.</exception>
    internal void RequireSynced(OpenImage? open = null)
    {
        if (open is { HasFailed: true } || File.Exists(FailurePath))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, Subject, OpenImage.FailureAdvice(FailurePath));
        }
    }

    /// <summary>Its image's length, space and number.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it has none.</exception>
    internal FileFacts Look()
        => File.Exists(Image) ? BlockFile.Look(Image) : throw new StorageException(StorageErrorKind.Corrupt, Subject, "has no image");

    /// <summary>How the image was made.</summary>
    internal VolumeLayout Layout()
        => Documents.Read(PoolDirectory.In(Path, "layout.json"), FileJson.Default.VolumeLayout)
            ?? throw new StorageException(StorageErrorKind.Corrupt, Subject, "has no layout.json");

    /// <summary>The volume that keeps room for what it shares with this one, a clone that came from it at first; null when there is none.</summary>
    internal VolumeOrigin? Origin() => OrNone(() => Documents.Read(OriginIn(Path), FileJson.Default.VolumeOrigin));

    /// <summary>The one that does for copies of this volume: itself, or its origin. There is no other, as clones are thin.</summary>
    internal VolumeOrigin? RoomKeeper()
        => OrNone(() => Layout().KeepsRoom && Find() is VolumeRecord record ? new(Documents.Format, $"{name}", record.Id) : Origin());

    /// <summary>What <paramref name="read"/> gives, or null where that can't be read: no removal fails for what only tells whose room can go.</summary>
    internal static T? OrNone<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (StorageException)
        {
            return null;
        }
    }

    /// <summary>Who changed it last in place, and how it was before.</summary>
    internal ChangeNote? Note() => Documents.Read(NotePath, FileJson.Default.ChangeNote);

    /// <summary>Says, before a change in place, that <paramref name="operation"/> is about to make it.</summary>
    internal void Note(Guid operation)
    {
        FileFacts image = Look();
        Documents.Write(NotePath, new(Documents.Format, operation, $"{name}", image.Length, image.Inode), FileJson.Default.ChangeNote);
    }

    /// <summary>Builds the volume under a temporary name, where <paramref name="fill"/> gives the image its content.</summary>
    /// <returns>The temporary name, to publish.</returns>
    internal string Build(VolumeLayout layout, VolumeRecord record, Action<BlockFile> fill)
    {
        string temporary = Temporary(record.Mark.Operation);
        PoolDirectory.Make(pool.Volumes);
        PoolDirectory.Remove(temporary);
        PoolDirectory.Make(temporary);
        using (BlockFile image = BlockFile.Create(ImageIn(temporary), Subject))
        {
            if (layout.Compressed)
            {
                FileSystem.Compress(image);   // before the first byte: what is there stays as it is
            }

            fill(image);
            image.Flush();
        }

        PoolDirectory.Make(PoolDirectory.In(temporary, "snapshots"));
        Documents.Write(PoolDirectory.In(temporary, "layout.json"), layout, FileJson.Default.VolumeLayout);
        FileRecords.Write(temporary, record, Subject);
        return temporary;
    }

    /// <summary>Removes the volume. It is gone by name first, and then its bytes.</summary>
    internal void Remove(Guid operation)
    {
        string temporary = Temporary(operation);
        PoolDirectory.Remove(temporary);
        DurableFile.Publish(Path, temporary);
        GiveBack(ImageIn(temporary));
        PoolDirectory.Remove(temporary);
    }

    /// <summary>Gives back the blocks of an image that is to be removed: a file system does that later where a file is removed with them.</summary>
    internal static void GiveBack(string image)
    {
        if (File.Exists(image))
        {
            using BlockFile file = BlockFile.Open(image, writable: true);
            file.SetLength(0);
        }
    }

    /// <summary>Removes what <paramref name="operation"/> left unfinished, and says whether there was anything.</summary>
    internal bool RemoveUnfinished(Guid operation)
    {
        GiveBack(ImageIn(Temporary(operation)));
        return PoolDirectory.Remove(Temporary(operation));
    }

    private string Temporary(Guid operation) => PoolDirectory.Unfinished(Path, operation);
}
