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

    private const long Block = 4096;

    /// <summary>Whether <paramref name="path"/> is such a file. A copy that shares blocks counts whole, and so has counted it.</summary>
    internal static bool Is(string path) => Path.GetFileName(path.AsSpan()) is FileName;

    /// <summary>Whether there is any for a volume.</summary>
    internal static bool IsKept(VolumeDirectory volume) => File.Exists(PathOf(volume.Path));

    /// <summary>
    /// Keeps room for all that a copy of <paramref name="image"/>, which nobody writes to now, will share with its volume. The pool's lock is held
    /// until there is that copy: what is shared by then alone tells how much is needed.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not as much.</exception>
    internal static void KeepBeforeCopy(VolumeDirectory volume, BlockFile image)
        => Keep(volume, FileSystem.Of(volume.Path).Kind == FileSystemKind.Btrfs ? image.Look().Allocated : image.CountWritten());   // btrfs shares what was never written, too

    /// <summary>Keeps so much room for a volume; what is kept already counts. The pool's lock is held, as above.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not as much.</exception>
    internal static void Keep(VolumeDirectory volume, long length)
    {
        string path = PathOf(volume.Path);
        using HeldRoom room = new(IsKept(volume) ? BlockFile.Open(path, writable: true, volume.Subject) : BlockFile.Create(path, volume.Subject));
        FileFacts facts = room.File.Look();
        long there = facts.Allocated < facts.Length ? 0 : facts.Length;   // holes keep nothing, wherever they are
        if (there >= length)
        {
            return;
        }

        try
        {
            room.File.Allocate(there, length - there);   // no more: xfs wants free what it already has, too
            room.File.Flush();
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
        {
            room.File.SetLength(facts.Length);   // it may have taken some of it
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
            using HeldRoom room = new(BlockFile.Open(PathOf(volume), writable: true));
            long there = room.File.Look().Length;
            room.File.SetLength(Math.Max(there - Math.Max(length, Slice), 0) & -Block);
            return there > 0;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return false;
        }
    }

    /// <summary>
    /// Keeps no more than what copies share by now: one of them was removed. What can't be told stays as it is, which is too much at worst: it is
    /// no reason for a removal to fail. The pool's lock is held.
    /// </summary>
    internal static void Settle(VolumeDirectory volume)
    {
        if (!IsKept(volume))
        {
            return;
        }

        try
        {
            long shared;
            using (BlockFile image = BlockFile.Open(volume.Image, writable: false, volume.Subject))
            {
                shared = image.CountShared();
            }

            if (shared == 0)
            {
                PoolDirectory.Remove(PathOf(volume.Path));
                return;
            }

            using HeldRoom room = new(BlockFile.Open(PathOf(volume.Path), writable: true, volume.Subject));
            if (room.File.Look().Length > shared)
            {
                room.File.SetLength(shared);
            }
        }
        catch (StorageException)
        {
            // As above.
        }
    }

    private static string PathOf(string volume) => PoolDirectory.In(volume, FileName);

    /// <summary>The file, open and locked against all who make it longer or shorter, here and in other processes: its length is read before it is set.</summary>
    private sealed class HeldRoom : IDisposable
    {
        internal HeldRoom(BlockFile file)
        {
            File = file;
            file.WaitForLock(0);
        }

        internal BlockFile File { get; }

        public void Dispose()
        {
            File.Unlock(0);   // first: a program that is being started by another thread has the descriptor until it is executed
            File.Dispose();
        }
    }
}
