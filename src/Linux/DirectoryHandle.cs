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
    // PATH_MAX would be 4096; what we look at by a handle is below it by a name or two.
    private const int MaxPath = 1024;

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

    /// <summary>The stamp of what lies at <paramref name="path"/> below it, and the space that it takes. It allocates nothing.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public unsafe FileStamp StampOf(ReadOnlySpan<char> path, out long allocated)
    {
        Span<byte> name = stackalloc byte[MaxPath];
        if (!Encoding.UTF8.TryGetBytes(path, name[..^1], out int length))
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{_path}/{path}", "is longer than a path can be");
        }

        name[length] = 0;
        using Descriptor descriptor = new(Handle);
        statx facts;
        fixed (byte* start = name)
        {
            if (LibC.statx(descriptor, start, LibC.AT_SYMLINK_NOFOLLOW, LibC.STATX_BASIC_STATS, &facts) != 0)
            {
                allocated = 0;
                return LibC.errno == LibC.ENOENT || LibC.errno == LibC.ENOTDIR ? default : throw Errno.Failure($"{_path}/{path}", "statx");
            }
        }

        allocated = (long)facts.stx_blocks * 512;   // always: stat(2)
        FileStampKind kind = (facts.stx_mode & OwnCalls.S_IFMT) switch
        {
            OwnCalls.S_IFREG => FileStampKind.File,
            OwnCalls.S_IFDIR => FileStampKind.Directory,
            _ => FileStampKind.Other,
        };
        return new(((ulong)facts.stx_dev_major << 32) | facts.stx_dev_minor, facts.stx_ino, (facts.stx_ctime.tv_sec * 1_000_000_000) + facts.stx_ctime.tv_nsec, kind);
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
