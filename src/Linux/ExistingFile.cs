using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Opens what is there and was named by us: never makes it, and never follows a link somebody put in its place.</summary>
public static unsafe class ExistingFile
{
    /// <summary>Opens it to read and write.</summary>
    /// <exception cref="StorageException">It is not there, is a link, or is not ours to write.</exception>
    public static SafeFileHandle OpenToWrite(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            int descriptor = LibC.open(name, LibC.O_RDWR | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, default);
            return descriptor >= 0 ? new(descriptor, ownsHandle: true) : throw Errno.Failure(path, "open");
        }
    }

    /// <summary>The length of an open file, or the size of an open block device.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it is something else, as a pipe.</exception>
    public static ByteSize LengthOf(SafeFileHandle handle, string subject)
    {
        statx facts = FactsOf(handle, subject);
        return (facts.stx_mode & OwnCalls.S_IFMT) switch
        {
            OwnCalls.S_IFREG => new((long)facts.stx_size),
            OwnCalls.S_IFBLK => BlockDevice.SizeOf(handle, subject),
            _ => throw new StorageException(StorageErrorKind.NotSupported, subject, "is neither a file nor a block device: write it to a file first"),
        };
    }

    /// <summary>Opens it to read, without waiting for who would write to a pipe; null when it is neither a regular file nor a block device.</summary>
    /// <exception cref="StorageException">It is not there, or may not be read.</exception>
    public static SafeFileHandle? OpenToRead(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            int opened = LibC.open(name, LibC.O_RDONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC, default);
            SafeFileHandle handle = opened >= 0 ? new(opened, ownsHandle: true) : throw Errno.Failure(path, "open");
            byte empty = 0;
            statx facts;
            if (LibC.statx(opened, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &facts) == 0 && (facts.stx_mode & OwnCalls.S_IFMT) is OwnCalls.S_IFREG or OwnCalls.S_IFBLK)
            {
                return handle;
            }

            handle.Dispose();
            return null;
        }
    }

    /// <summary>Whether an open file is a pipe or a socket, whose bytes come once and in order.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static bool IsStream(SafeFileHandle handle, string subject)
        => (FactsOf(handle, subject).stx_mode & OwnCalls.S_IFMT) is OwnCalls.S_IFIFO or OwnCalls.S_IFSOCK;

    /// <summary>Whether what is written to an open file goes away in order: to a pipe, a socket, or a device that takes bytes, as <c>/dev/null</c>.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static bool IsSink(SafeFileHandle handle, string subject)
        => (FactsOf(handle, subject).stx_mode & OwnCalls.S_IFMT) is OwnCalls.S_IFIFO or OwnCalls.S_IFSOCK or OwnCalls.S_IFCHR;

    /// <summary>What tells one state of an open regular file from another: its place, its length, and when it was changed. Null for anything else.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static string? IdentityOf(SafeFileHandle handle, string subject)
    {
        statx facts = FactsOf(handle, subject);
        return (facts.stx_mode & OwnCalls.S_IFMT) == OwnCalls.S_IFREG
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{facts.stx_dev_major}:{facts.stx_dev_minor} {facts.stx_ino} {facts.stx_size} {facts.stx_mtime.tv_sec}.{facts.stx_mtime.tv_nsec:000000000} {facts.stx_ctime.tv_sec}.{facts.stx_ctime.tv_nsec:000000000}")
            : null;
    }

    /// <summary>Whether an open file is a regular one.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static bool IsRegular(SafeFileHandle handle, string subject)
        => (FactsOf(handle, subject).stx_mode & OwnCalls.S_IFMT) == OwnCalls.S_IFREG;

    /// <summary>A descriptor of the process's standard input.</summary>
    public static SafeFileHandle StandardInput()
    {
        using SafeFileHandle input = new(0, ownsHandle: false);
        return Duplicate(input);
    }

    /// <summary>A descriptor of the process's standard output.</summary>
    public static SafeFileHandle StandardOutput()
    {
        using SafeFileHandle output = new(1, ownsHandle: false);
        return Duplicate(output);
    }

    /// <summary>Whether what is written to an open file goes to its end, wherever it is meant to go.</summary>
    /// <exception cref="StorageException">It can't be asked.</exception>
    public static bool Appends(SafeFileHandle handle, string subject)
    {
        using Descriptor descriptor = new(handle);
        int flags = LibC.fcntl(descriptor, LibC.F_GETFL, 0);
        return flags >= 0 ? (flags & LibC.O_APPEND) != 0 : throw Errno.Failure(subject, "F_GETFL");
    }

    /// <summary>A second descriptor of the same open file, with a life of its own.</summary>
    public static SafeFileHandle Duplicate(SafeFileHandle handle)
    {
        using Descriptor original = new(handle);
        int copy = LibC.fcntl(original, LibC.F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? new(copy, ownsHandle: true) : throw Errno.Failure("descriptor", "F_DUPFD_CLOEXEC");
    }

    private static statx FactsOf(SafeFileHandle handle, string subject)
    {
        using Descriptor descriptor = new(handle);
        byte empty = 0;
        statx facts;
        return LibC.statx(descriptor, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &facts) == 0 ? facts : throw Errno.Failure(subject, "statx");
    }
}
