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

    /// <summary>Bounds the time that this process can take of the processors, in all its threads; beyond it, it is ended by SIGXCPU.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitProcessorTime(TimeSpan most)
    {
        // At the harder one the kernel sends SIGKILL, which tells nobody why.
        const ulong Grace = 5;
        ulong seconds = (ulong)Math.Ceiling(most.TotalSeconds);
        Set(OwnCalls.RLIMIT_CPU, "RLIMIT_CPU", seconds, seconds + Grace);
    }

    /// <summary>Keeps this process from leaving its memory on a disk when it ends badly.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void ForbidCores() => Set(OwnCalls.RLIMIT_CORE, "RLIMIT_CORE", 0, 0);

    private static void Set(int resource, string name, ByteSize most) => Set(resource, name, (ulong)most.Bytes, (ulong)most.Bytes);

    private static unsafe void Set(int resource, string name, ulong soft, ulong hard)
    {
        OwnCalls.ResourceLimit limit = new() { Soft = soft, Hard = hard };
        if (OwnCalls.SetResourceLimit(resource, &limit) < 0)
        {
            throw Errno.Failure(name, "setrlimit");
        }
    }
}
