using EveStorage.Linux;

namespace EveStorage.Host.Locks;

/// <summary>
/// An advisory lock on a file, held by an open file description: it is gone with the process, however that ends. The file
/// says who holds it, and stays.
/// </summary>
internal sealed class HeldLock : IDisposable
{
    private readonly FileLock _file;

    private HeldLock(FileLock file) => _file = file;

    /// <summary>Takes the lock, or answers null when somebody holds it.</summary>
    /// <exception cref="StorageException">The file can't be made.</exception>
    internal static HeldLock? TryTake(string path, string holder)
    {
        FileCalls.Run(path, () => Directory.CreateDirectory(Path.GetDirectoryName(path)!));
        return FileLock.TryAcquire(path, holder) is FileLock taken ? new(taken) : null;
    }

    /// <summary>Takes the lock, waiting for its holder at most <paramref name="limit"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: the holder kept it; the message names it.</exception>
    internal static async Task<HeldLock> TakeAsync(string path, string subject, string holder, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        FileCalls.Run(path, () => Directory.CreateDirectory(Path.GetDirectoryName(path)!));
        try
        {
            return new(await FileLock.AcquireAsync(path, holder, limit, time, cancellationToken));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, subject, $"is in use by {FileLock.HolderOf(path)}: try again when that is done", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>How this process calls itself as the holder of a lock; its number goes before it.</summary>
    internal static string Holder(string doing) => $"evestorage, {doing}";
}
