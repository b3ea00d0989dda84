using System.Runtime.InteropServices;

namespace EveStorage.Linux;

/// <summary>
/// What Tmds.LibC 0.5.0 does not have. Every other call and constant of libc is taken from it, and a test finds P/Invokes
/// anywhere else. Another one compiles the C headers' values of the constants and compares.
/// </summary>
internal static partial class OwnCalls
{
    // linux/fs.h is not in it: _IOR(0x12, 114, size_t) on 64-bit Linux.
    internal const uint BLKGETSIZE64 = 0x80081272;

    // stdio.h is not in it.
    internal const uint RENAME_NOREPLACE = 1;

    // glibc's stdio.h is not in it, and rename(2) replaces what is there.
    [LibraryImport("libc.so.6", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int RenameAt2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);
}
