namespace EveStorage.Linux;

/// <summary>Limits that a process sets itself and can't raise again.</summary>
public static class ResourceLimits
{
    /// <summary>
    /// Bounds the writable private memory of this process. The address space is no bound for .NET, which reserves it by the
    /// gigabyte and dies below 4 GiB of it.
    /// </summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static unsafe void LimitData(ByteSize most)
    {
        OwnCalls.ResourceLimit limit = new() { Soft = (ulong)most.Bytes, Hard = (ulong)most.Bytes };
        if (OwnCalls.SetResourceLimit(OwnCalls.RLIMIT_DATA, &limit) < 0)
        {
            throw Errno.Failure("RLIMIT_DATA", "setrlimit");
        }
    }
}
