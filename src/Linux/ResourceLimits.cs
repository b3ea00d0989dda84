namespace EveStorage.Linux;

/// <summary>Limits that a process sets itself and can't raise again.</summary>
public static class ResourceLimits
{
    // At the harder one the kernel sends SIGKILL, which tells nobody why.
    private const ulong Grace = 5;

    /// <summary>
    /// Bounds the writable private memory of this process. The address space is no bound for .NET, which reserves it by the
    /// gigabyte and dies below 4 GiB of it.
    /// </summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitData(ByteSize most) => Set(OwnCalls.RLIMIT_DATA, "RLIMIT_DATA", most);

    /// <summary>Bounds the length to which this process can write a regular file; writing beyond it ends the process by SIGXFSZ.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitFiles(ByteSize most) => Set(OwnCalls.RLIMIT_FSIZE, "RLIMIT_FSIZE", most);

    /// <summary>The same for now: a parent may allow more, as <see cref="ChildProcess.Limit"/> does, and this process where it can still ask the kernel to.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitFilesForNow(ByteSize most) => SetForNow(OwnCalls.RLIMIT_FSIZE, "RLIMIT_FSIZE", (ulong)most.Bytes);

    /// <summary>Bounds the time that this process can take of the processors, in all its threads; beyond it, it is ended by SIGXCPU.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitProcessorTime(TimeSpan most)
    {
        ulong seconds = SecondsOf(most);
        Set(OwnCalls.RLIMIT_CPU, "RLIMIT_CPU", seconds, seconds + Grace);
    }

    /// <summary>The same for now, as <see cref="LimitFilesForNow"/> has it.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void LimitProcessorTimeForNow(TimeSpan most) => SetForNow(OwnCalls.RLIMIT_CPU, "RLIMIT_CPU", SecondsOf(most));

    /// <summary>Keeps this process from leaving its memory on a disk when it ends badly.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static void ForbidCores() => Set(OwnCalls.RLIMIT_CORE, "RLIMIT_CORE", 0, 0);

    /// <summary>Sets what a child had set itself for now, for good.</summary>
    internal static void Of(int process, ByteSize files, TimeSpan processors)
    {
        ulong seconds = SecondsOf(processors);
        Set(process, OwnCalls.RLIMIT_FSIZE, "RLIMIT_FSIZE", (ulong)files.Bytes, (ulong)files.Bytes);
        Set(process, OwnCalls.RLIMIT_CPU, "RLIMIT_CPU", seconds, seconds + Grace);
    }

    private static ulong SecondsOf(TimeSpan most) => (ulong)Math.Ceiling(most.TotalSeconds);

    private static void Set(int resource, string name, ByteSize most) => Set(resource, name, (ulong)most.Bytes, (ulong)most.Bytes);

    private static void Set(int resource, string name, ulong soft, ulong hard) => Set(0, resource, name, soft, hard);

    // Never above a harder limit that was there before.
    private static unsafe void SetForNow(int resource, string name, ulong soft)
    {
        OwnCalls.ResourceLimit before;
        if (OwnCalls.ProcessLimit(0, resource, null, &before) < 0)
        {
            throw Errno.Failure(name, "prlimit");
        }

        Set(0, resource, name, Math.Min(soft, before.Hard), before.Hard);
    }

    private static unsafe void Set(int process, int resource, string name, ulong soft, ulong hard)
    {
        OwnCalls.ResourceLimit before;
        OwnCalls.ResourceLimit limit;
        if (OwnCalls.ProcessLimit(process, resource, null, &before) == 0)
        {
            limit = new() { Soft = Math.Min(soft, before.Hard), Hard = Math.Min(hard, before.Hard) };
            if (OwnCalls.ProcessLimit(process, resource, &limit, null) == 0)
            {
                return;
            }
        }

        throw Errno.Failure(name, "prlimit");
    }
}
