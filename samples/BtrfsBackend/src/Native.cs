using System.ComponentModel;
using System.Runtime.InteropServices;
using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Samples.Btrfs;

/// <summary>What the framework does not have. The names and numbers are those of linux/btrfs.h, linux/fs.h and man 2 of each call.</summary>
internal static partial class Native
{
    internal const int LockShared = 1;
    internal const int LockExclusive = 2;
    internal const int LockNonBlocking = 4;
    internal const int KeepSize = 1;
    internal const int PunchHole = 2;
    internal const uint Exchange = 2;
    internal const int ReadOnlyDirectory = 0x10000 | 0x80000;   // O_DIRECTORY | O_CLOEXEC on x86-64
    internal const int ReadOnlyDirectoryArm = 0x4000 | 0x80000;   // and on arm64
    internal const int CurrentDirectory = -100;
    internal const uint AllOfStatx = 0xfff;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(IntPtr descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int FSync(SafeHandle descriptor);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(SafeHandle descriptor, nuint request, Span<byte> argument);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int FLock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int RenameAt2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetXAttr(string path, string name, ReadOnlySpan<byte> value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int StatX(int directory, string path, int flags, uint mask, Span<byte> result);

    /// <summary>Throws what errno says, when a call returned less than zero.</summary>
    internal static int Check(int result, string subject, string call)
    {
        int errno = Marshal.GetLastPInvokeError();
        return result >= 0 ? result : throw new StorageException(Failure.KindOf(errno), subject, $"{call}: {new Win32Exception(errno).Message}");
    }
}

/// <summary>An open directory, for calls that want one.</summary>
internal sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    private Descriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    internal static Descriptor Open(string directory)
    {
        int flags = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Native.ReadOnlyDirectoryArm : Native.ReadOnlyDirectory;
        return new(Native.Check(Native.Open(directory, flags), directory, "open"));
    }

    protected override bool ReleaseHandle() => Native.Close(handle) == 0;
}
