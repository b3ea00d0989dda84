using System.Diagnostics;
using System.Text;

namespace EveStorage.Host.Locks;

/// <summary>
/// An advisory lock on a file, held by an open file description: it is gone with the process, however that ends. The file
/// says who holds it, and stays.
/// </summary>
internal sealed class HeldLock : IDisposable
{
    private readonly FileStream _file;

    private HeldLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, or answers null when somebody holds it.</summary>
    /// <exception cref="StorageException">The file can't be made.</exception>
    internal static HeldLock? TryTake(string path, string holder)
    {
        EveStorage.Linux.FileCalls.Run(path, () => Directory.CreateDirectory(Path.GetDirectoryName(path)!));
        FileStream file;
        try
        {
            file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, path, "can't be locked: it belongs to another user", e);
        }

        file.SetLength(0);
        file.Write(Encoding.UTF8.GetBytes(holder));
        file.Flush();
        return new(file);
    }

    /// <summary>Takes the lock, waiting for its holder at most <paramref name="limit"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: the holder kept it; the message names it.</exception>
    internal static async Task<HeldLock> TakeAsync(string path, string subject, string holder, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            if (TryTake(path, holder) is HeldLock held)
            {
                return held;
            }

            if (time.GetElapsedTime(start) >= limit)
            {
                throw new StorageException(StorageErrorKind.Busy, subject, $"is in use by {HolderOf(path)}: try again when that is done");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }
    }

    /// <summary>Whether somebody holds the lock now.</summary>
    internal static bool IsHeld(string path)
    {
        using HeldLock? taken = File.Exists(path) ? TryTake(path, "") : null;
        return taken is null && File.Exists(path);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>How this process calls itself as the holder of a lock.</summary>
    internal static string Holder(string doing) => $"process {Environment.ProcessId} ({Process.GetCurrentProcess().ProcessName}), {doing}";

    // The lock is advisory: reading needs none.
    private static string HolderOf(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(file);
        return reader.ReadToEnd() is { Length: > 0 } holder ? holder : "another process";
    }
}
