using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A file that somebody handed over, and that is found again when its descriptor is gone with the process that had it. Its path is the
/// kernel's, and what lies there is opened only if it is that very file.
/// </summary>
public static unsafe class LastingFile
{
    /// <summary>
    /// What tells an open regular file, in its state, from every other one, also after the machine has started again: device numbers may be
    /// others then, and whoever renames or links files changes no inode's number together with its time of birth, which nobody can set.
    /// Null for anything else.
    /// </summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static string? IdentityOf(SafeFileHandle handle, string subject)
    {
        using Descriptor descriptor = new(handle);
        byte empty = 0;
        statx facts;
        if (LibC.statx(descriptor, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS | LibC.STATX_BTIME, &facts) != 0)
        {
            throw Errno.Failure(subject, "statx");
        }

        if ((facts.stx_mode & OwnCalls.S_IFMT) != OwnCalls.S_IFREG)
        {
            return null;
        }

        // Where the file system keeps no time of birth, its device has to be the same.
        string birth = (facts.stx_mask & LibC.STATX_BTIME) != 0
            ? string.Create(CultureInfo.InvariantCulture, $"{facts.stx_btime.tv_sec}.{facts.stx_btime.tv_nsec:000000000}")
            : string.Create(CultureInfo.InvariantCulture, $"{facts.stx_dev_major}:{facts.stx_dev_minor}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{facts.stx_ino} {birth} {facts.stx_uid} {facts.stx_size} {facts.stx_mtime.tv_sec}.{facts.stx_mtime.tv_nsec:000000000}");
    }

    /// <summary>Where an open file lies, as the kernel has it now.</summary>
    /// <exception cref="StorageException">It lies nowhere any more, or nowhere that this process sees.</exception>
    public static string PathOf(SafeFileHandle handle, string subject)
    {
        using Descriptor descriptor = new(handle);
        string link = $"/proc/self/fd/{(int)descriptor}";
        return File.Exists(link) && new FileInfo(link).LinkTarget is string path && path.StartsWith('/')
            ? path
            : throw new StorageException(StorageErrorKind.NotSupported, subject, "has no name any more by which it could be found again");
    }

    /// <summary>Opens it to read. What lies there instead is looked at and never opened: opening a device does something.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: nothing is there. <see cref="StorageErrorKind.Conflict"/>: it is
    /// another file, or has changed.</exception>
    public static SafeFileHandle Open(string path, string identity, string subject)
    {
        using SafeFileHandle place = OpenPlace(path, subject);
        if (IdentityOf(place, subject) != identity)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"{path} is another file now, or has changed");
        }

        using Descriptor descriptor = new(place);
        fixed (byte* name = Encoding.UTF8.GetBytes($"/proc/self/fd/{(int)descriptor}\0"))
        {
            int opened = LibC.open(name, LibC.O_RDONLY | LibC.O_CLOEXEC, default);
            return opened >= 0 ? new(opened, ownsHandle: true) : throw Errno.Failure(subject, "open");
        }
    }

    private static SafeFileHandle OpenPlace(string path, string subject)
    {
        OwnCalls.OpenHow how = new()
        {
            Flags = (ulong)(LibC.O_PATH | LibC.O_CLOEXEC),
            Resolve = OwnCalls.RESOLVE_NO_SYMLINKS | OwnCalls.RESOLVE_NO_MAGICLINKS,
        };
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            nint opened = OwnCalls.OpenAt2(OwnCalls.SYS_openat2, LibC.AT_FDCWD, name, &how, (nuint)sizeof(OwnCalls.OpenHow));
            return opened >= 0 ? new(opened, ownsHandle: true)
                : LibC.errno == LibC.ENOENT ? throw new StorageException(StorageErrorKind.NotFound, subject, $"is not at {path} any more")
                : LibC.errno == LibC.ELOOP ? throw new StorageException(StorageErrorKind.Conflict, subject, $"{path} leads through a link now")
                : throw Errno.Failure(subject, "openat2");
        }
    }
}
