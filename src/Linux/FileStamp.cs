namespace EveStorage.Linux;

/// <summary>
/// What tells whether a file or a directory is still what it was when it was read: whatever is written to it, named in it or put in its place
/// gives it another. Of nothing it is the default one. Two changes in one tick of the kernel's clock have the same, so one that is as young
/// as that says nothing (<see cref="IsSettled"/>).
/// </summary>
/// <param name="Device">The file system that it lies on.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Changed">When it was changed last, by whom and how ever: <c>st_ctime</c>, in nanoseconds, which no caller can set.</param>
/// <param name="Kind">What it is.</param>
public readonly record struct FileStamp(ulong Device, ulong Inode, long Changed, FileStampKind Kind)
{
    // Far more than a tick, and than what a file system keeps a time in.
    private static readonly TimeSpan s_young = TimeSpan.FromSeconds(2);

    /// <summary>Whether a change after <paramref name="read"/> gives it another one for certain.</summary>
    public bool IsSettled(DateTimeOffset read) => Changed / 1_000_000 < (read - s_young).ToUnixTimeMilliseconds();
}

/// <summary>What lies at a name, as far as it matters here.</summary>
public enum FileStampKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>Something else, such as a link.</summary>
    Other,
}
