using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Who owns a directory, and who may use it.</summary>
/// <param name="IsOurs">Whether it belongs to the user that runs us.</param>
/// <param name="Mode">Its permissions.</param>
public readonly record struct DirectoryOwner(bool IsOurs, UnixFileMode Mode);

/// <summary>An open directory: .NET opens none, and a name is on disk only when its directory is.</summary>
public sealed class DirectoryHandle : IDisposable
{
    private readonly string _path;

    private DirectoryHandle(SafeFileHandle handle, string path)
    {
        Handle = handle;
        _path = path;
    }

    internal SafeFileHandle Handle { get; }

    /// <summary>Its path as the kernel names it: through no link, and with no slash behind.</summary>
    /// <exception cref="StorageException">The kernel does not tell.</exception>
    public string RealPath
    {
        get
        {
            using Descriptor descriptor = new(Handle);
            string link = $"/proc/self/fd/{(int)descriptor}";
            return FileCalls.Run(_path, () => new FileInfo(link).LinkTarget!);
        }
    }

    /// <summary>The number of the device that its file system lies on, as the table of mounts has it: <c>7:0</c>.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public string Device
    {
        get
        {
            statx facts = Facts();
            return string.Create(CultureInfo.InvariantCulture, $"{facts.stx_dev_major}:{facts.stx_dev_minor}");
        }
    }

    /// <summary>Opens the directory at <paramref name="path"/>, which is no symbolic link.</summary>
    /// <exception cref="StorageException">It is not there, is a symbolic link or is no directory.</exception>
    public static unsafe DirectoryHandle Open(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            SafeFileHandle handle = new(LibC.open(name, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, default), ownsHandle: true);
            return handle.IsInvalid ? throw Errno.Failure(path, "open") : new(handle, path);
        }
    }

    /// <summary>Makes the names in the directory at <paramref name="path"/> survive a crash.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public static void Flush(string path)
    {
        using DirectoryHandle directory = Open(path);
        using Descriptor descriptor = new(directory.Handle);
        if (LibC.fsync(descriptor) < 0)
        {
            throw Errno.Failure(path, "fsync");
        }
    }

    /// <summary>Whose it is.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public DirectoryOwner Look()
    {
        statx facts = Facts();
        return new(LibC.geteuid() == facts.stx_uid, (UnixFileMode)(facts.stx_mode & 0xFFF));
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private unsafe statx Facts()
    {
        using Descriptor descriptor = new(Handle);
        byte empty = 0;
        statx facts;
        return LibC.statx(descriptor, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, &facts) == 0 ? facts : throw Errno.Failure(_path, "statx");
    }
}
