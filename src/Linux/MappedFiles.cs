using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// The files that this process has mapped to read and to run them: its libraries. Most of what a start touched of them is never touched again, and
/// stays mapped until memory ends. Letting go of it is no loss: what is touched again is mapped again, from memory as long as the kernel keeps it there.
/// </summary>
public static class MappedFiles
{
    // Documentation/admin-guide/mm/pagemap.rst: a page that is there, and one of a file. One that was written to in a private mapping, such as by a
    // loader, is no page of the file any more.
    private const ulong Present = 1UL << 63;
    private const ulong OfFile = 1UL << 61;

    /// <summary>Those that nobody can write to now.</summary>
    /// <exception cref="StorageException">The kernel does not tell.</exception>
    public static IReadOnlySet<FileMapping> Find()
        => FileCalls.Run("/proc/self/maps", static () => File.ReadLines("/proc/self/maps").Select(Parse).OfType<FileMapping>().ToHashSet());

    /// <summary>
    /// Lets go of the pages of those of <paramref name="before"/> that are still there and still can't be written to, and returns how many bytes.
    /// A mapping that was found some time ago is not one that a loader just works at.
    /// </summary>
    /// <exception cref="StorageException">The kernel does not tell.</exception>
    public static long LetGo(IReadOnlySet<FileMapping> before)
    {
        ArgumentNullException.ThrowIfNull(before);
        FileMapping[] now = [.. Find().Where(before.Contains)];
        return FileCalls.Run("/proc/self/pagemap", () =>
        {
            using SafeFileHandle pages = File.OpenHandle("/proc/self/pagemap");
            return now.Sum(mapping => LetGo(pages, mapping));
        });
    }

    // 7f0c8000-7f0c9000 r-xp 00001000 08:01 1234    /usr/lib/x.so: proc_pid_maps(5).
    private static FileMapping? Parse(string line)
    {
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (fields.Length < 6 || fields[1] is not ("r--p" or "r-xp") || fields[5][0] != '/' || fields[5].EndsWith(" (deleted)", StringComparison.Ordinal))
        {
            return null;
        }

        string[] range = fields[0].Split('-');
        return new(Address(range[0]), Address(range[1]), ulong.Parse(fields[4], CultureInfo.InvariantCulture));

        static ulong Address(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static long LetGo(SafeFileHandle pages, FileMapping mapping)
    {
        ulong size = (ulong)Environment.SystemPageSize;
        Span<ulong> known = stackalloc ulong[512];
        long done = 0;
        for (ulong at = mapping.Start; at < mapping.End; at += (ulong)known.Length * size)
        {
            Span<ulong> asked = known[..(int)Math.Min((ulong)known.Length, (mapping.End - at) / size)];
            int read = RandomAccess.Read(pages, MemoryMarshal.AsBytes(asked), (long)(at / size) * sizeof(ulong));
            done += LetGo(asked[..(read / sizeof(ulong))], at, size);
        }

        return done;
    }

    private static unsafe long LetGo(ReadOnlySpan<ulong> known, ulong start, ulong size)
    {
        long done = 0;
        for (int at = 0, end; at < known.Length; at = end + 1)
        {
            end = at;
            while (end < known.Length && (known[end] & (Present | OfFile)) == (Present | OfFile))
            {
                end++;
            }

            if (end > at && LibC.madvise((void*)(start + ((ulong)at * size)), (end - at) * (int)size, LibC.MADV_DONTNEED) == 0)
            {
                done += (end - at) * (long)size;
            }
        }

        return done;
    }
}

/// <summary>A range of addresses at which a file is mapped.</summary>
/// <param name="Start">The first.</param>
/// <param name="End">The one after the last.</param>
/// <param name="Inode">The file's number.</param>
public readonly record struct FileMapping(ulong Start, ulong End, ulong Inode);
