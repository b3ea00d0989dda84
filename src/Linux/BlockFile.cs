using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>What a file takes and is.</summary>
/// <param name="Length">Its length.</param>
/// <param name="Allocated">The space it takes, from <c>st_blocks</c>: what is not yet on the disk counts too.</param>
/// <param name="Inode">Its number in its file system.</param>
public readonly record struct FileFacts(long Length, long Allocated, ulong Inode);

/// <summary>
/// A file read and written at offsets, with what .NET has no call for: reads that don't wait, durable writes, holes, clones.
/// Safe for many calls at once. It allocates nothing for a read or a write.
/// </summary>
public sealed partial class BlockFile : IDisposable
{
    private readonly string _subject;
    private readonly bool _isMemory;

    private BlockFile(SafeFileHandle handle, string path, string subject)
    {
        Handle = handle;
        Path = path;
        _subject = subject;
        _isMemory = IsMemory(handle);
    }

    /// <summary>Where it was opened.</summary>
    public string Path { get; }

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens the file at <paramref name="path"/>, which is no symbolic link. Failures are told of <paramref name="subject"/>.</summary>
    /// <exception cref="StorageException">It can't be opened.</exception>
    public static BlockFile Open(string path, bool writable, string? subject = null)
        => Open(path, subject, (writable ? LibC.O_RDWR : LibC.O_RDONLY) | LibC.O_NOFOLLOW);

    /// <summary>Makes an empty file, which only its owner may read. It must not be there.</summary>
    /// <exception cref="StorageException">It is there, or can't be made.</exception>
    public static BlockFile Create(string path, string? subject = null)
        => Open(path, subject, LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_NOFOLLOW);

    /// <summary>Whether the bytes from <paramref name="offset"/> are in memory, and if so, they are.</summary>
    public unsafe bool TryReadCached(long offset, Span<byte> destination)
    {
        using Descriptor descriptor = new(Handle);
        fixed (byte* start = destination)
        {
            OwnCalls.IoVector vector = new() { Base = start, Length = (nuint)destination.Length };
            return OwnCalls.PReadV2(descriptor, &vector, 1, offset, _isMemory ? 0 : OwnCalls.RWF_NOWAIT) == destination.Length;
        }
    }

    // tmpfs refuses a read that must not wait, and never has anything to wait for.
    private static unsafe bool IsMemory(SafeFileHandle handle)
    {
        using Descriptor descriptor = new(handle);
        OwnCalls.FileSystemStatus status;
        return OwnCalls.FStatFs(descriptor, &status) == 0 && status.Type == OwnCalls.TMPFS_MAGIC;
    }

    /// <summary>Fills <paramref name="destination"/>. What lies beyond the end of the file is an error.</summary>
    /// <exception cref="StorageException">The device failed, or the file is shorter.</exception>
    public unsafe void Read(long offset, Span<byte> destination)
    {
        using Descriptor descriptor = new(Handle);
        fixed (byte* start = destination)
        {
            for (int done = 0; done < destination.Length;)
            {
                nint read = (nint)(long)LibC.pread(descriptor, start + done, destination.Length - done, offset + done);
                if (read > 0)
                {
                    done += (int)read;
                }
                else if (read == 0)
                {
                    throw new StorageException(StorageErrorKind.Io, _subject, $"ends before byte {offset + destination.Length}");
                }
                else if (LibC.errno != LibC.EINTR)
                {
                    throw Errno.Failure(_subject, "pread");
                }
            }
        }
    }

    /// <summary>Writes <paramref name="source"/>; when <paramref name="stable"/>, it is on the device before this returns.</summary>
    /// <exception cref="StorageException">There is no room, or the device failed.</exception>
    public unsafe void Write(long offset, ReadOnlySpan<byte> source, bool stable = false)
    {
        using Descriptor descriptor = new(Handle);
        fixed (byte* start = source)
        {
            for (int done = 0; done < source.Length;)
            {
                OwnCalls.IoVector vector = new() { Base = start + done, Length = (nuint)(source.Length - done) };
                nint written = OwnCalls.PWriteV2(descriptor, &vector, 1, offset + done, stable ? OwnCalls.RWF_DSYNC : 0);
                if (written >= 0)
                {
                    done += (int)written;
                }
                else if (LibC.errno != LibC.EINTR)
                {
                    throw Errno.Failure(_subject, "pwritev2");
                }
            }
        }
    }

    /// <summary>Makes the file's bytes survive a crash.</summary>
    /// <exception cref="StorageException">The device failed. What was not written is lost, and trying again does not tell: fsync(2).</exception>
    public void Flush() => Flush(Handle, _subject);

    /// <summary>The same of any open file. .NET's own calls take a file system that went read-only, and some more, for success.</summary>
    /// <exception cref="StorageException">The device failed.</exception>
    public static void Flush(SafeFileHandle file, string subject)
    {
        using Descriptor descriptor = new(file);
        while (LibC.fdatasync(descriptor) < 0)
        {
            if (LibC.errno != LibC.EINTR)
            {
                throw Errno.Failure(subject, "fdatasync");
            }
        }
    }

    /// <summary>Its length and its space.</summary>
    /// <exception cref="StorageException">The device failed.</exception>
    public unsafe FileFacts Look()
    {
        using Descriptor descriptor = new(Handle);
        byte empty = 0;
        return FactsOf(descriptor, &empty, LibC.AT_EMPTY_PATH, _subject);
    }

    /// <summary>The same of the file at <paramref name="path"/>, without opening it.</summary>
    /// <exception cref="StorageException">It is not there.</exception>
    public static unsafe FileFacts Look(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            return FactsOf(LibC.AT_FDCWD, name, LibC.AT_SYMLINK_NOFOLLOW, path);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static unsafe FileFacts FactsOf(int directory, byte* name, int flags, string subject)
    {
        statx facts;
        return LibC.statx(directory, name, flags, LibC.STATX_BASIC_STATS, &facts) == 0
            ? new((long)facts.stx_size, (long)facts.stx_blocks * 512, facts.stx_ino)   // st_blocks counts 512 bytes always: stat(2)
            : throw Errno.Failure(subject, "statx");
    }

    private static unsafe BlockFile Open(string path, string? subject, int flags)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            SafeFileHandle handle = new(LibC.open(name, flags | LibC.O_CLOEXEC, (ushort)0b110_000_000), ownsHandle: true);
            return handle.IsInvalid ? throw Errno.Failure(subject ?? path, "open") : new(handle, path, subject ?? path);
        }
    }
}
