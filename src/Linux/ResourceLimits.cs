namespace EveStorage.Linux;

/// <summary>Limits that a process sets itself and can't raise again.</summary>
public static class ResourceLimits
{
    /// <summary>
    /// Bounds the writable private memory of this process. The address space is no bound for .NET, which reserves it by the
    /// gigabyte and dies below 4 GiB of it.
    /// </summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitData(ByteSize most) => Set(OwnCalls.RLIMIT_DATA, "RLIMIT_DATA", most);

    /// <summary>Bounds the length to which this process can write a regular file; writing beyond it ends the process by SIGXFSZ.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitFiles(ByteSize most) => Set(OwnCalls.RLIMIT_FSIZE, "RLIMIT_FSIZE", most);

    private static unsafe void Set(int resource, string name, ByteSize most)
    {
        OwnCalls.ResourceLimit limit = new() { Soft = (ulong)most.Bytes, Hard = (ulong)most.Bytes };
        if (OwnCalls.SetResourceLimit(resource, &limit) < 0)
        {
            throw Errno.Failure(name, "setrlimit");
        }
    }
}
