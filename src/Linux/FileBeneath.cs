using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Opens files by names that nobody trusts: only beneath a directory, whatever the name says, and through no link.</summary>
public static unsafe class FileBeneath
{
    /// <summary>Opens the regular file of <paramref name="name"/> to read.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="name">A name relative to it. It may go up and down, and stays beneath.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageErrorKind.Conflict"/>: it leaves the directory or has a link in it. Others: it is not there, or is no regular file.
    /// </exception>
    public static SafeFileHandle OpenToRead(string directory, string name)
    {
        using DirectoryHandle root = DirectoryHandle.Open(directory);
        using Descriptor descriptor = new(root.Handle);
        OwnCalls.OpenHow how = new()
        {
            // Without waiting: a pipe of that name would wait for who writes to it.
            Flags = (ulong)(LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NONBLOCK),
            Resolve = OwnCalls.RESOLVE_BENEATH | OwnCalls.RESOLVE_NO_SYMLINKS | OwnCalls.RESOLVE_NO_MAGICLINKS,
        };
        fixed (byte* path = Encoding.UTF8.GetBytes($"{name}\0"))
        {
            nint opened = OwnCalls.OpenAt2(OwnCalls.SYS_openat2, descriptor, path, &how, (nuint)sizeof(OwnCalls.OpenHow));
            SafeFileHandle handle = opened >= 0 ? new(opened, ownsHandle: true) : throw FailureOf(directory, name);
            if (!ExistingFile.IsRegular(handle, name))
            {
                handle.Dispose();
                throw new StorageException(StorageErrorKind.NotSupported, name, $"is no regular file of {directory}");
            }

            return handle;
        }
    }

    private static StorageException FailureOf(string directory, string name)
        => LibC.errno == LibC.EXDEV || LibC.errno == LibC.ELOOP
            ? new(StorageErrorKind.Conflict, name, $"leaves {directory}, or is a symbolic link there: put the file itself beneath it")
            : LibC.errno == LibC.ENOENT ? new(StorageErrorKind.NotFound, name, $"is not beneath {directory}")
            : LibC.errno == LibC.ENOSYS ? new(StorageErrorKind.Unavailable, name, "can't be opened safely: openat2(2) needs Linux 5.6")
            : Errno.Failure(name, "openat2");
}
