using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>How something is mounted. Programs of another's file system never run as their owner, and its device nodes are none.</summary>
/// <param name="ReadOnly">Whether nothing can be written.</param>
/// <param name="NoPrograms">Whether nothing on it can be run.</param>
/// <param name="Data">What the file system itself is told.</param>
public sealed record MountOptions(bool ReadOnly = false, bool NoPrograms = false, string Data = "");

/// <summary>
/// A directory to mount on, opened from a directory that is trusted down, through no link: who may write to one on the way
/// can't lead us elsewhere.
/// </summary>
public sealed unsafe class MountPlace : IDisposable
{
    // Whoever may use what is mounted has to get to it.
    private static readonly mode_t s_mode = (ushort)0b111_101_101;

    private readonly SafeFileHandle _handle;
    private readonly string _path;

    private MountPlace(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    /// <summary>Opens the directory <paramref name="name"/> beneath <paramref name="root"/>, and makes what is lacking of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: something on the way is no directory, or the root is not
    /// ours alone to change.</exception>
    public static MountPlace Open(string root, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        MakeRoot(root);
        RequireOurs(root);
        using DirectoryHandle start = DirectoryHandle.Open(root);
        SafeFileHandle at = ExistingFile.Duplicate(start.Handle);
        string path = root;
        foreach (string part in name.Split('/'))
        {
            path = Path.Combine(path, part);
            using SafeFileHandle above = at;
            at = OpenIn(above, part, path);
        }

        return new(at, path);
    }

    /// <summary>Whether nothing lies in it.</summary>
    /// <exception cref="StorageException">It can't be read.</exception>
    public bool IsEmpty => FileCalls.Run(_path, () => !Directory.EnumerateFileSystemEntries($"{Self}/").Any());

    /// <summary>Mounts the device at <paramref name="device"/> on it.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public void Mount(string device, string kind, MountOptions options, string subject)
    {
        ArgumentNullException.ThrowIfNull(options);
        uint flags = OwnCalls.MS_NOSUID | OwnCalls.MS_NODEV | (options.ReadOnly ? OwnCalls.MS_RDONLY : 0) | (options.NoPrograms ? OwnCalls.MS_NOEXEC : 0);
        if (OwnCalls.Mount(device, Self, kind, flags, options.Data) < 0)
        {
            throw Errno.Failure(subject, $"mount {device} on {_path} as {kind}");
        }
    }

    /// <summary>Unmounts what is seen at <paramref name="point"/>; false when somebody uses it.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static bool TryUnmount(string point, string subject)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{point}\0"))
        {
            return LibC.umount2(name, OwnCalls.UMOUNT_NOFOLLOW) == 0
                || (LibC.errno == LibC.EBUSY ? false : throw Errno.Failure(subject, $"unmount {point}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    // The very directory that was opened, whatever has its name by now: proc(5), /proc/pid/fd.
    private string Self
    {
        get
        {
            using Descriptor descriptor = new(_handle);
            return $"/proc/self/fd/{(int)descriptor}";
        }
    }

    private static void MakeRoot(string root)
    {
        if (Directory.Exists(root))
        {
            return;
        }

        DurableFile.MakeDirectory(Path.GetDirectoryName(root)!);
        fixed (byte* name = Encoding.UTF8.GetBytes($"{root}\0"))
        {
            // Whatever our own mask says.
            if ((LibC.mkdir(name, s_mode) < 0 && LibC.errno != LibC.EEXIST) || LibC.fchmodat(LibC.AT_FDCWD, name, s_mode, 0) < 0)
            {
                throw Errno.Failure(root, "mkdir");
            }
        }
    }

    private static void RequireOurs(string root)
    {
        using DirectoryHandle handle = DirectoryHandle.Open(root);
        DirectoryOwner owner = handle.Look();
        if (!owner.IsOurs || (owner.Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw new StorageException(StorageErrorKind.Conflict, root, "may be changed by others, and file systems are to be mounted beneath it: make it yours alone to write (chmod 0755)");
        }
    }

    private static SafeFileHandle OpenIn(SafeFileHandle above, string part, string path)
    {
        using Descriptor descriptor = new(above);
        fixed (byte* name = Encoding.UTF8.GetBytes($"{part}\0"))
        {
            bool made = LibC.mkdirat(descriptor, name, s_mode) == 0;
            if (!made && LibC.errno != LibC.EEXIST)
            {
                throw Errno.Failure(path, "mkdir");
            }

            SafeFileHandle opened = new(LibC.openat(descriptor, name, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, default), ownsHandle: true);
            if (opened.IsInvalid)
            {
                throw Errno.Failure(path, "open");
            }

            using Descriptor directory = new(opened);
            return !made || LibC.fchmod(directory, s_mode) == 0 ? opened : throw Errno.Failure(path, "fchmod");
        }
    }
}
