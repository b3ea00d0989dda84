using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// Locks of the open file (fcntl(2), "Open file description locks"): they hold between processes and between two openings
/// in one process, and end with the last descriptor of the opening.
/// </summary>
public sealed partial class BlockFile
{
    /// <summary>Takes the lock <paramref name="number"/>, or changes it from shared to exclusive and back; false when another opening has it.</summary>
    /// <exception cref="StorageException">The file system has no locks.</exception>
    public bool TryLock(int number, bool exclusive) => SetLock(number, exclusive ? OwnCalls.F_WRLCK : OwnCalls.F_RDLCK);

    /// <summary>Takes the lock <paramref name="number"/> alone, and waits for whoever has it, on the caller's thread: for what is held for a moment.</summary>
    /// <exception cref="StorageException">The file system has no locks.</exception>
    public void WaitForLock(int number)
    {
        while (!SetLock(number, OwnCalls.F_WRLCK, OwnCalls.F_OFD_SETLKW))
        {
            // A signal came in between.
        }
    }

    /// <summary>Gives the lock <paramref name="number"/> back.</summary>
    public void Unlock(int number) => SetLock(number, OwnCalls.F_UNLCK);

    private unsafe bool SetLock(int number, short kind, int how = OwnCalls.F_OFD_SETLK)
    {
        using Descriptor descriptor = new(Handle);
        flock range = new() { l_type = kind, l_start = number, l_len = 1 };
        return LibC.fcntl(descriptor, how, &range) == 0
            || (LibC.errno == LibC.EAGAIN || LibC.errno == LibC.EACCES || (how == OwnCalls.F_OFD_SETLKW && LibC.errno == LibC.EINTR)
                ? false
                : throw Errno.Failure(_subject, "F_OFD_SETLK"));
    }
}
