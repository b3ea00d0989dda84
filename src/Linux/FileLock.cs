using System.Text;

namespace EveStorage.Linux;

/// <summary>
/// A lock file that is held: exclusive between processes and inside one, gone when the holder ends however it ends. It
/// holds the name of its holder, for a person.
/// </summary>
public sealed class FileLock : IDisposable
{
    private const int MaxHolderLength = 200;

    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(20);

    private readonly BlockFile _file;

    private FileLock(BlockFile file) => _file = file;

    /// <summary>Takes the lock at <paramref name="path"/>, whose file is made when absent; null when somebody has it.</summary>
    /// <exception cref="StorageException">The file can't be opened.</exception>
    public static FileLock? TryAcquire(string path, string holder)
    {
        BlockFile file = OpenOrCreate(path);
        bool taken = false;
        try
        {
            taken = file.TryLock(0, exclusive: true);
            if (taken)
            {
                NameHolder(file, holder);
            }
        }
        finally
        {
            if (!taken)
            {
                file.Dispose();
            }
        }

        return taken ? new(file) : null;
    }

    /// <summary>The same, and waits for it up to <paramref name="limit"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody, who is named, did not give it back in that time.</exception>
    public static async ValueTask<FileLock> AcquireAsync(
        string path, string holder, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            if (TryAcquire(path, holder) is FileLock taken)
            {
                return taken;
            }

            if (time.GetElapsedTime(start) >= limit)
            {
                throw new StorageException(StorageErrorKind.Busy, path, $"is held by {HolderOf(path)}; waited {limit.TotalSeconds:0.#} s");
            }

            await Task.Delay(s_retry, time, cancellationToken);
        }
    }

    /// <summary>Who has or last had the lock at <paramref name="path"/>.</summary>
    public static string HolderOf(string path)
    {
        using BlockFile file = BlockFile.Open(path, writable: false);
        byte[] name = new byte[Math.Min(file.Look().Length, MaxHolderLength)];
        return file.TryReadCached(0, name) && Encoding.UTF8.GetString(name).Trim() is { Length: > 0 } holder ? holder : "another process";
    }

    /// <summary>Gives the lock back. The file stays: whoever removed it could remove another's lock.</summary>
    public void Dispose()
    {
        // A program that is being started by another thread has the descriptor until it is executed: closing ours alone would leave it the lock.
        _file.Unlock(0);
        _file.Dispose();
    }

    // For a person, and no more: on a full disk the lock is held all the same. Always as long, over the one before, so that
    // the block it takes is taken once.
    private static void NameHolder(BlockFile file, string holder)
    {
        Span<byte> name = stackalloc byte[MaxHolderLength];
        name.Fill((byte)' ');
        byte[] all = Encoding.UTF8.GetBytes($"pid {Environment.ProcessId}: {holder}\n");
        all.AsSpan(0, Math.Min(all.Length, MaxHolderLength)).CopyTo(name);
        try
        {
            file.Write(0, name);
        }
        catch (StorageException)
        {
            // Whoever waits is told the holder before, or none.
        }
    }

    private static BlockFile OpenOrCreate(string path)
    {
        try
        {
            return BlockFile.Open(path, writable: true);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            try
            {
                return BlockFile.Create(path);
            }
            catch (StorageException made) when (made.Kind == StorageErrorKind.Conflict)
            {
                return BlockFile.Open(path, writable: true);   // another made it in between
            }
        }
    }
}
