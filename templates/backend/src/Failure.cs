using EveStorage;

namespace MyBackend;

/// <summary>Turns what the framework throws into the one exception that may leave a plugin.</summary>
internal static class Failure
{
    private const int Permission = 1;
    private const int NoEntry = 2;
    private const int WouldBlock = 11;
    private const int Exists = 17;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int NotEmpty = 39;
    private const int OverQuota = 122;

    internal static void Guard(string subject, Action act) => Guard(subject, () =>
    {
        act();
        return true;
    });

    internal static T Guard<T>(string subject, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, subject, e.Message, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StorageException(StorageErrorKind.NotFound, subject, e.Message, e);
        }
        catch (IOException e)
        {
            throw new StorageException(KindOf(e.HResult), subject, e.Message, e);
        }
    }

    /// <summary>The kind of an errno, which the framework keeps in HResult.</summary>
    internal static StorageErrorKind KindOf(int errno) => errno switch
    {
        NoSpace or OverQuota => StorageErrorKind.OutOfSpace,
        NoEntry => StorageErrorKind.NotFound,
        WouldBlock => StorageErrorKind.Busy,   // another process has it: the framework locks what it opens
        Exists or NotEmpty => StorageErrorKind.Conflict,
        Permission or ReadOnlyFileSystem => StorageErrorKind.Unavailable,
        _ => StorageErrorKind.Io,
    };
}
