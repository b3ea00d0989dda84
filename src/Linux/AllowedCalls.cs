namespace EveStorage.Linux;

/// <summary>A system call by its numbers.</summary>
/// <param name="Name">Its name in the headers, without prefix.</param>
/// <param name="X64">Its number on x86-64; -1 where it has none.</param>
/// <param name="Arm64">Its number on arm64; -1 where it has none.</param>
internal readonly record struct SystemCall(string Name, int X64, int Arm64);

/// <summary>What is left to a process that only computes on descriptors it has: memory, threads, reading and writing, and waiting.</summary>
internal static class AllowedCalls
{
    internal static SystemCall Clone { get; } = new("clone", 56, 220);
    internal static SystemCall Clone3 { get; } = new("clone3", 435, 435);
    internal static SystemCall Tgkill { get; } = new("tgkill", 234, 131);
    internal static SystemCall Prlimit { get; } = new("prlimit64", 302, 261);
    internal static SystemCall Ioctl { get; } = new("ioctl", 16, 29);

    /// <summary>Those that take any arguments. None of them opens a name, makes a socket or starts a program. A socket that it was given may bring descriptors.</summary>
    internal static SystemCall[] Free { get; } =
    [
        new("read", 0, 63), new("write", 1, 64), new("pread64", 17, 67), new("pwrite64", 18, 68), new("readv", 19, 65), new("writev", 20, 66),
        new("preadv", 295, 69), new("pwritev", 296, 70), new("lseek", 8, 62), new("close", 3, 57), new("fstat", 5, 80), new("statx", 332, 291),
        new("copy_file_range", 326, 285), new("recvmsg", 47, 212),
        new("fsync", 74, 82), new("fdatasync", 75, 83), new("fallocate", 285, 47), new("fcntl", 72, 25), new("pipe2", 293, 59),
        new("mmap", 9, 222), new("mprotect", 10, 226), new("munmap", 11, 215), new("mremap", 25, 216), new("madvise", 28, 233), new("brk", 12, 214),
        new("mlock", 149, 228), new("munlock", 150, 229), new("membarrier", 324, 283), new("mincore", 27, 232),
        new("rt_sigaction", 13, 134), new("rt_sigprocmask", 14, 135), new("rt_sigreturn", 15, 139), new("sigaltstack", 131, 132),
        new("restart_syscall", 219, 128), new("futex", 202, 98), new("set_robust_list", 273, 99), new("get_robust_list", 274, 100),
        new("set_tid_address", 218, 96), new("rseq", 334, 293), new("gettid", 186, 178), new("getpid", 39, 172), new("geteuid", 107, 175),
        new("sched_yield", 24, 124), new("sched_getaffinity", 204, 123), new("sched_setaffinity", 203, 122), new("getcpu", 309, 168),
        new("nanosleep", 35, 101), new("clock_nanosleep", 230, 115), new("clock_gettime", 228, 113), new("clock_getres", 229, 114), new("gettimeofday", 96, 169),
        new("poll", 7, -1), new("ppoll", 271, 73), new("getrandom", 318, 278), new("getrusage", 98, 165), new("sysinfo", 99, 179),
        new("prctl", 157, 167), new("exit", 60, 93), new("exit_group", 231, 94),
    ];

    /// <summary>All that the filter knows.</summary>
    internal static IEnumerable<SystemCall> All => [.. Free, Clone, Clone3, Tgkill, Prlimit, Ioctl];
}
