using EveStorage.Linux;

namespace EveStorage.Host.Operations;

/// <summary>
/// Space that the journal gives up on a disk that is full to the last block, so that what frees space, a deletion, can still
/// be written down. It is made again when there is room.
/// </summary>
internal sealed class JournalReserve(string path)
{
    // A document takes a block or a few, and is replaced before and after each step.
    private const long Length = 1 << 20;

    /// <summary>Makes it if it is not there and there is room.</summary>
    internal void Make()
    {
        if (File.Exists(path))
        {
            return;
        }

        try
        {
            using BlockFile file = BlockFile.Create(path);
            file.Allocate(0, Length);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.OutOfSpace or StorageErrorKind.NotSupported or StorageErrorKind.Conflict)
        {
            if (e.Kind != StorageErrorKind.Conflict)
            {
                TryRelease();   // an empty one would never be made again
            }
        }
    }

    /// <summary>Gives it up; false when it was given up before.</summary>
    internal bool TryRelease() => FileCalls.Run(path, () =>
    {
        bool there = File.Exists(path);
        File.Delete(path);
        return there;
    });
}
