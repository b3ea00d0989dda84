using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// The room that is kept for a volume which was given all its space, while a copy shares its blocks: what is written to such a block goes to a
/// new one. It is a file beside the image that takes as much, so that nobody else does, and gives it up where a write finds no room otherwise.
/// </summary>
internal static class VolumeRoom
{
    private const string FileName = "room";

    // Given up at once: a file system that is full is not asked for each page, and little of it can be taken by others before it is written.
    private const long Slice = 1 << 20;

    /// <summary>Whether <paramref name="path"/> is such a file. A copy that shares blocks counts whole, and so has counted it.</summary>
    internal static bool Is(string path) => Path.GetFileName(path.AsSpan()) is FileName;

    /// <summary>Keeps room for all that a copy of <paramref name="image"/>, which nobody writes to now, will share with its volume.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not as much.</exception>
    internal static void KeepBeforeCopy(VolumeDirectory volume, BlockFile image)
        => Keep(volume, FileSystem.Of(volume.Path).Kind == FileSystemKind.Btrfs ? image.Look().Allocated : image.CountWritten());   // btrfs shares what was never written, too

    /// <summary>Keeps so much room for a volume; what is kept already counts.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not as much.</exception>
    internal static void Keep(VolumeDirectory volume, long length)
    {
        string path = PathOf(volume.Path);
        using BlockFile room = File.Exists(path) ? BlockFile.Open(path, writable: true, volume.Subject) : BlockFile.Create(path, volume.Subject);
        long there = room.Look().Length;
        if (there >= length)
        {
            return;
        }

        try
        {
            room.Allocate(0, length);
            room.Flush();
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
        {
            room.SetLength(there);   // it may have taken some of it
            throw new StorageException(
                e.Kind,
                volume.Subject,
                $"has its space for itself, and a copy shares its blocks: {new ByteSize(length - there)} more have to be free, so that all of it can still be written; delete something, or use volumes without --thick",
                e);
        }

        DirectoryHandle.Flush(volume.Path);
    }

    /// <summary>Gives up room for a write of so many bytes to a volume's image; false when there is none left.</summary>
    internal static bool TryGive(string volume, long length)
    {
        try
        {
            using BlockFile room = BlockFile.Open(PathOf(volume), writable: true);
            long there = room.Look().Length;
            room.SetLength(Math.Max(there - Math.Max(length, Slice), 0));
            return there > 0;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return false;
        }
    }

    /// <summary>Keeps no more than what copies share by now: one of them was removed.</summary>
    internal static void Settle(VolumeDirectory volume)
    {
        string path = PathOf(volume.Path);
        if (!File.Exists(path) || !File.Exists(volume.Image))
        {
            return;
        }

        long shared;
        using (BlockFile image = BlockFile.Open(volume.Image, writable: false, volume.Subject))
        {
            shared = image.CountShared();
        }

        if (shared == 0)
        {
            PoolDirectory.Remove(path);
            return;
        }

        using BlockFile room = BlockFile.Open(path, writable: true, volume.Subject);
        if (room.Look().Length > shared)
        {
            room.SetLength(shared);
        }
    }

    private static string PathOf(string volume) => PoolDirectory.In(volume, FileName);
}
