using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A tree of configfs: a directory made is an object of the kernel made, a file written is an attribute set. Reading opens
/// nothing for writing, so that looking at what is so leaves no trace.
/// </summary>
public static class Configfs
{
    private const int MaxAttribute = 4096;   // a page, fs/configfs/file.c

    /// <summary>Whether <paramref name="path"/> is a directory.</summary>
    public static bool IsDirectory(string path) => Directory.Exists(path);

    /// <summary>The names in the directory at <paramref name="path"/>, in order; none when it is not there.</summary>
    public static IReadOnlyList<string> Names(string path)
        => FileCalls.Run(path, () => Directory.Exists(path)
            ? (IReadOnlyList<string>)[.. Directory.EnumerateFileSystemEntries(path).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)]
            : []);

    /// <summary>The names of the directories and links at <paramref name="path"/>: the objects, without the attributes.</summary>
    public static IReadOnlyList<string> Objects(string path)
        => FileCalls.Run(path, () => Directory.Exists(path)
            ? (IReadOnlyList<string>)[.. Directory.EnumerateDirectories(path).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)]
            : []);

    /// <summary>
    /// The numbers that objects at <paramref name="path"/> have for names, behind <paramref name="prefix"/>, in order. The kernel
    /// takes them in any base, <c>0x10</c> too; one that is not written as we do is not ours, and left out.
    /// </summary>
    public static IReadOnlyList<int> Numbers(string path, string prefix = "")
        => [.. Objects(path).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..])
            .Where(n => int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && n == number.ToString(CultureInfo.InvariantCulture))
            .Select(n => int.Parse(n, CultureInfo.InvariantCulture)).Order()];

    /// <summary>An attribute without the blanks around it; null where this kernel has none of that name.</summary>
    /// <exception cref="StorageException">It can't be read.</exception>
    public static string? Find(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using KeyMaterial read = ReadSecret(path, out int length);
            return Encoding.ASCII.GetString(read.Bytes[..length]).Trim();
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return null;   // it went meanwhile
        }
    }

    /// <summary>An attribute that is a secret, in memory that is overwritten, without the end of its line.</summary>
    /// <exception cref="StorageException">It can't be read.</exception>
    public static KeyMaterial ReadSecret(string path, out int length)
    {
        KeyMaterial read = new(MaxAttribute);
        try
        {
            using SafeFileHandle attribute = FileCalls.Run(path, () => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            length = RandomAccess.Read(attribute, read.Bytes, fileOffset: 0);
            while (length > 0 && read.Bytes[length - 1] is (byte)'\n' or 0)
            {
                length--;
            }

            return read;
        }
        catch (IOException e)
        {
            read.Dispose();
            throw FileCalls.Failure(path, e);
        }
        catch (StorageException)
        {
            read.Dispose();
            throw;
        }
    }

    /// <summary>Sets an attribute.</summary>
    /// <exception cref="StorageException">This kernel has none of that name (<see cref="StorageErrorKind.NotFound"/>), or takes no such value.</exception>
    public static void Write(string path, string value) => Write(path, Encoding.ASCII.GetBytes(value));

    /// <summary>Sets an attribute: as one write, without truncation, and never making a file of its name.</summary>
    /// <inheritdoc cref="Write(string, string)"/>
    public static void Write(string path, ReadOnlySpan<byte> value)
    {
        using SafeFileHandle attribute = FileCalls.Run(path, () => File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite));
        try
        {
            RandomAccess.Write(attribute, value, fileOffset: 0);
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(path, e);
        }
    }

    /// <summary>Makes an object, and says whether it was this call that made it.</summary>
    /// <exception cref="StorageException">The kernel makes none of that name.</exception>
    public static unsafe bool Make(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            return LibC.mkdir(name, (ushort)0b111_101_101) == 0
                || (LibC.errno == LibC.EEXIST ? false : throw Errno.Failure(path, "mkdir"));
        }
    }

    /// <summary>Removes an object; one that is not there is removed.</summary>
    /// <exception cref="StorageException">It is in use (<see cref="StorageErrorKind.Busy"/>), or has objects in it (<see cref="StorageErrorKind.Conflict"/>).</exception>
    public static unsafe void Remove(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            if (LibC.rmdir(name) < 0 && LibC.errno != LibC.ENOENT)
            {
                throw Errno.Failure(path, "rmdir");
            }
        }
    }

    /// <summary>Links one object to another, and says whether it was this call that did.</summary>
    /// <exception cref="StorageException">The kernel refuses it.</exception>
    public static unsafe bool Link(string path, string target)
    {
        fixed (byte* from = Encoding.UTF8.GetBytes($"{path}\0"))
        fixed (byte* to = Encoding.UTF8.GetBytes($"{target}\0"))
        {
            return LibC.symlink(to, from) == 0
                || (LibC.errno == LibC.EEXIST ? false : throw Errno.Failure(path, "symlink"));
        }
    }

    /// <summary>Removes a link; one that is not there is removed.</summary>
    /// <exception cref="StorageException">The kernel refuses it.</exception>
    public static unsafe void Unlink(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            if (LibC.unlink(name) < 0 && LibC.errno != LibC.ENOENT)
            {
                throw Errno.Failure(path, "unlink");
            }
        }
    }
}
