using System.Runtime.InteropServices;

namespace EveStorage.Linux;

/// <summary>
/// What Tmds.LibC 0.5.0 does not have. Every other call and constant of libc is taken from it, and a test finds P/Invokes
/// anywhere else. Another one compiles the C headers' values of the constants and compares.
/// </summary>
internal static unsafe partial class OwnCalls
{
    // linux/fs.h is not in it: _IOR(0x12, 114, size_t) on 64-bit Linux.
    internal const uint BLKGETSIZE64 = 0x80081272;

    // linux/fs.h: _IO(0x12, 104).
    internal const uint BLKSSZGET = 0x1268;

    // linux/fs.h: _IO(0x12, 119).
    internal const uint BLKDISCARD = 0x1277;

    // sys/stat.h: what a file is.
    internal const uint S_IFMT = 0xF000;
    internal const uint S_IFREG = 0x8000;
    internal const uint S_IFDIR = 0x4000;
    internal const uint S_IFBLK = 0x6000;
    internal const uint S_IFIFO = 0x1000;
    internal const uint S_IFCHR = 0x2000;
    internal const uint S_IFSOCK = 0xC000;

    // asm/unistd.h: the same number on every architecture; and linux/openat2.h.
    internal const int SYS_openat2 = 437;
    internal const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    internal const ulong RESOLVE_NO_SYMLINKS = 0x04;
    internal const ulong RESOLVE_BENEATH = 0x08;

    // linux/fs.h: _IOW(0x94, 9, int).
    internal const uint FICLONE = 0x40049409;

    // linux/fs.h: _IOWR('f', 11, struct fiemap); and linux/fiemap.h.
    internal const uint FS_IOC_FIEMAP = 0xC020660B;
    internal const uint FIEMAP_FLAG_SYNC = 0x1;
    internal const uint FIEMAP_EXTENT_LAST = 0x1;
    internal const uint FIEMAP_EXTENT_UNWRITTEN = 0x800;
    internal const uint FIEMAP_EXTENT_SHARED = 0x2000;

    // linux/fs.h: _IOR('f', 1, long) and _IOW('f', 2, long), which take an int for all that.
    internal const uint FS_IOC_GETFLAGS = 0x80086601;
    internal const uint FS_IOC_SETFLAGS = 0x40086602;
    internal const uint FS_NOCOW_FL = 0x00800000;

    // linux/nvme_ioctl.h: _IOWR('N', 0x41, struct nvme_admin_cmd), of 72 bytes.
    internal const uint NVME_IOCTL_ADMIN_CMD = 0xC0484E41;

    // scsi/sg.h.
    internal const uint SG_IO = 0x2285;
    internal const int SG_DXFER_NONE = -1;
    internal const int SG_DXFER_FROM_DEV = -3;

    // linux/fs.h: _IOWR('X', 119, int), and the two after it.
    internal const uint FIFREEZE = 0xC0045877;
    internal const uint FITHAW = 0xC0045878;
    internal const uint FITRIM = 0xC0185879;

    // linux/loop.h.
    internal const uint LOOP_GET_STATUS64 = 0x4C05;
    internal const uint LOOP_SET_CAPACITY = 0x4C07;
    internal const uint LOOP_CONFIGURE = 0x4C0A;
    internal const uint LOOP_CTL_GET_FREE = 0x4C82;
    internal const uint LO_FLAGS_AUTOCLEAR = 4;
    internal const uint LO_FLAGS_DIRECT_IO = 16;

    // sys/mount.h.
    internal const uint MS_RDONLY = 1;
    internal const uint MS_NOSUID = 2;
    internal const uint MS_NODEV = 4;
    internal const uint MS_NOEXEC = 8;
    internal const int UMOUNT_NOFOLLOW = 8;

    // stdio.h is not in it.
    internal const uint RENAME_NOREPLACE = 1;
    internal const uint RENAME_EXCHANGE = 2;

    // linux/falloc.h: only punching and keeping the size are in Tmds.LibC.
    internal const int FALLOC_FL_ZERO_RANGE = 0x10;

    // unistd.h's places to seek to.
    internal const int SEEK_DATA = 3;
    internal const int SEEK_HOLE = 4;

    // linux/fs.h: per-call flags of preadv2 and pwritev2.
    internal const int RWF_DSYNC = 2;
    internal const int RWF_NOWAIT = 8;

    // sys/mman.h: Tmds.LibC has older advice only.
    internal const int MADV_PAGEOUT = 21;

    // linux/magic.h, as statfs tells them.
    internal const long BTRFS_SUPER_MAGIC = 0x9123683E;
    internal const long XFS_SUPER_MAGIC = 0x58465342;
    internal const long EXT4_SUPER_MAGIC = 0xEF53;
    internal const long TMPFS_MAGIC = 0x01021994;

    // fcntl.h: locks of an open file description.
    internal const int F_OFD_SETLK = 37;
    internal const int F_OFD_SETLKW = 38;
    internal const int F_SETPIPE_SZ = 1031;
    internal const short F_RDLCK = 0;
    internal const short F_WRLCK = 1;
    internal const short F_UNLCK = 2;

    // spawn.h.
    internal const short POSIX_SPAWN_SETSID = 0x80;
    internal const short POSIX_SPAWN_SETSIGDEF = 0x04;
    internal const short POSIX_SPAWN_SETSIGMASK = 0x08;

    // sys/wait.h.
    internal const int P_PID = 1;
    internal const int WEXITED = 4;
    internal const int WNOWAIT = 0x1000000;
    internal const int WNOHANG = 1;

    // sys/resource.h.
    internal const int RLIMIT_CPU = 0;
    internal const int RLIMIT_FSIZE = 1;
    internal const int RLIMIT_DATA = 2;
    internal const int RLIMIT_CORE = 4;

    // sys/prctl.h and linux/seccomp.h.
    internal const int PR_SET_NO_NEW_PRIVS = 38;
    internal const uint SECCOMP_SET_MODE_FILTER = 1;
    internal const uint SECCOMP_FILTER_FLAG_TSYNC = 1;
    internal const uint SECCOMP_RET_KILL_PROCESS = 0x80000000;
    internal const uint SECCOMP_RET_ERRNO = 0x00050000;
    // linux/memfd.h.
    internal const uint MFD_CLOEXEC = 0x0001;

    internal const uint SECCOMP_RET_ALLOW = 0x7FFF0000;

    // linux/audit.h, and sched.h.
    internal const uint AUDIT_ARCH_X86_64 = 0xC000003E;
    internal const uint AUDIT_ARCH_AARCH64 = 0xC00000B7;
    internal const uint CLONE_THREAD = 0x00010000;

    // linux/bpf_common.h. The first and the last two are joined of their parts.
    internal const ushort BPF_JEQ = 0x10;
    internal const ushort BPF_JGE = 0x30;
    internal const ushort BPF_JSET = 0x40;

    // glibc's stdio.h is not in it, and rename(2) replaces what is there.
    [LibraryImport("libc.so.6", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int RenameAt2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);

    // A read that must not wait, and a write that is stable when it returns, are flags of these two alone.
    [LibraryImport("libc.so.6", EntryPoint = "preadv2", SetLastError = true)]
    internal static partial nint PReadV2(int descriptor, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "pwritev2", SetLastError = true)]
    internal static partial nint PWriteV2(int descriptor, IoVector* vectors, int count, long offset, int flags);

    // Copies inside the kernel, and shares blocks where the file system can.
    [LibraryImport("libc.so.6", EntryPoint = "copy_file_range", SetLastError = true)]
    internal static partial nint CopyFileRange(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    // Which file system a path is on: .NET's DriveInfo gives its name in words.
    [LibraryImport("libc.so.6", EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int FStatFs(int descriptor, FileSystemStatus* status);

    // A file in memory without a name.
    [LibraryImport("libc.so.6", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MemFdCreate(string name, uint flags);

    // Tmds.LibC has umount2 and not its opposite.
    [LibraryImport("libc.so.6", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Mount(string source, string target, string type, nuint flags, string data);

    // Btrfs takes the compression of a file as an extended attribute.
    [LibraryImport("libc.so.6", EntryPoint = "fsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int FSetXattr(int descriptor, string name, byte* value, nuint size, int flags);

    // .NET's Process hands its child three descriptors and no others.
    [LibraryImport("libc.so.6", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int PosixSpawn(int* pid, string path, void* fileActions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int FileActionsInit(void* fileActions);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int FileActionsDestroy(void* fileActions);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int FileActionsAddDup2(void* fileActions, int descriptor, int newDescriptor);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    internal static partial int FileActionsAddCloseFrom(void* fileActions, int lowest);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawnattr_init")]
    internal static partial int SpawnAttributesInit(void* attributes);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int SpawnAttributesSetFlags(void* attributes, short flags);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int SpawnAttributesSetMask(void* attributes, void* signals);

    [LibraryImport("libc.so.6", EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int SpawnAttributesSetDefault(void* attributes, void* signals);

    // Tmds.LibC has no exec: a runtime that becomes something else is rare. The handler 0 is SIG_DFL.
    [LibraryImport("libc.so.6", EntryPoint = "execv", SetLastError = true)]
    internal static partial int ExecV(byte* path, byte** arguments);

    [LibraryImport("libc.so.6", EntryPoint = "signal")]
    internal static partial nint Signal(int signal, nint handler);

    // Waits and leaves the child to be reaped: only then may its number go to another.
    [LibraryImport("libc.so.6", EntryPoint = "waitid", SetLastError = true)]
    internal static partial int WaitId(int kind, int id, void* signalInfo, int options);

    [LibraryImport("libc.so.6", EntryPoint = "waitpid", SetLastError = true)]
    internal static partial int WaitPid(int pid, int* status, int options);

    [LibraryImport("libc.so.6", EntryPoint = "prlimit", SetLastError = true)]
    internal static partial int ProcessLimit(int process, int resource, ResourceLimit* limit, ResourceLimit* before);

    /// <summary>struct sg_io_hdr of scsi/sg.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ScsiRequest
    {
        internal int Interface;
        internal int Direction;
        internal byte CommandLength;
        internal byte MaxSenseLength;
        internal ushort VectorCount;
        internal uint DataLength;
        internal byte* Data;
        internal byte* Command;
        internal byte* Sense;
        internal uint TimeoutMilliseconds;
        internal uint Flags;
        internal int Id;
        internal void* User;
        internal byte Status;
        internal byte MaskedStatus;
        internal byte MessageStatus;
        internal byte SenseWritten;
        internal ushort HostStatus;
        internal ushort DriverStatus;
        internal int Residual;
        internal uint Duration;
        internal uint Info;
    }

    // glibc has no openat2(2). Its syscall(2) takes the arguments in the registers of a call, as they are on x86-64 and arm64.
    [LibraryImport("libc.so.6", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint OpenAt2(nint number, int directory, byte* path, OpenHow* how, nuint size);

    // Neither has a wrapper that takes what we need: prctl's arguments vary, and seccomp(2) has none.
    [LibraryImport("libc.so.6", EntryPoint = "prctl", SetLastError = true)]
    internal static partial int Prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc.so.6", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint Seccomp(nint number, uint operation, uint flags, FilterProgram* program);

    /// <summary>What of our constants differs from the headers of one architecture, or is joined of several.</summary>
    internal static nint SYS_seccomp => 317;

    internal static nint SeccompOnArm64 => 277;

    internal static ushort BPF_LD_W_ABS => 0x20;

    internal static ushort BPF_JMP_K => 0x05;

    internal static ushort BPF_RET_K => 0x06;

    /// <summary>struct sock_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FilterInstruction
    {
        internal ushort Code;
        internal byte Then;
        internal byte Otherwise;
        internal uint Value;
    }

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FilterProgram
    {
        internal ushort Length;
        internal FilterInstruction* Instructions;
    }

    /// <summary>struct open_how.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OpenHow
    {
        internal ulong Flags;
        internal ulong Mode;
        internal ulong Resolve;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        internal void* Base;
        internal nuint Length;
    }

    /// <summary>struct rlimit on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ResourceLimit
    {
        internal ulong Soft;
        internal ulong Hard;
    }

    /// <summary>struct statfs on 64-bit Linux: its beginning, and room for the rest.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct FileSystemStatus
    {
        internal long Type;
        internal long BlockSize;
        internal ulong Blocks;
        internal ulong FreeBlocks;
        internal ulong AvailableBlocks;
        internal ulong Files;
        internal ulong FreeFiles;
    }

    /// <summary>struct loop_info64: where the file is, and what is done with it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 232)]
    internal struct LoopStatus
    {
        [FieldOffset(0)]
        internal ulong Device;

        [FieldOffset(8)]
        internal ulong Inode;

        [FieldOffset(52)]
        internal uint Flags;
    }

    /// <summary>struct loop_config.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 304)]
    internal struct LoopConfiguration
    {
        [FieldOffset(0)]
        internal uint Descriptor;

        [FieldOffset(4)]
        internal uint BlockSize;

        [FieldOffset(8)]
        internal LoopStatus Status;
    }

    /// <summary>struct fstrim_range.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TrimRange
    {
        internal ulong Start;
        internal ulong Length;
        internal ulong Least;
    }

    /// <summary>struct nvme_passthru_cmd.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 72)]
    internal struct NvmeAdminCommand
    {
        [FieldOffset(0)]
        internal byte Opcode;

        [FieldOffset(4)]
        internal uint Namespace;

        [FieldOffset(24)]
        internal ulong Address;

        [FieldOffset(36)]
        internal uint Length;

        [FieldOffset(40)]
        internal uint Word10;

        [FieldOffset(64)]
        internal uint TimeoutMilliseconds;
    }
}
