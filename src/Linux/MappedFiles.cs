using System.Globalization;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The files that this process has mapped to read and to run them: its libraries.</summary>
public static class MappedFiles
{
    /// <summary>
    /// Asks the kernel to take back the memory of those that nobody writes to (madvise(2), MADV_PAGEOUT), and returns how many bytes of addresses
    /// it was asked for. Nothing is lost by it, whatever other threads do: a page that was written to is kept, one that others have mapped, too, is
    /// left to them, and what is touched again is read again.
    /// </summary>
    /// <exception cref="StorageException">The kernel does not tell what is mapped.</exception>
    public static long LetGo() => Find().Sum(LetGo);

    private static (ulong Start, ulong End)[] Find()
        => FileCalls.Run("/proc/self/maps", static () => File.ReadLines("/proc/self/maps").Select(Parse).OfType<(ulong, ulong)>().ToArray());

    // 7f0c8000-7f0c9000 r-xp 00001000 08:01 1234    /usr/lib/x.so: proc_pid_maps(5).
    private static (ulong Start, ulong End)? Parse(string line)
    {
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (fields.Length < 6 || fields[1] is not ("r--p" or "r-xp") || fields[5][0] != '/')
        {
            return null;
        }

        string[] range = fields[0].Split('-');
        return (Address(range[0]), Address(range[1]));

        static ulong Address(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    // A mapping that is gone by now is a refusal, and another one's that is at its place loses nothing.
    private static unsafe long LetGo((ulong Start, ulong End) mapping)
        => LibC.madvise((void*)mapping.Start, checked((int)(mapping.End - mapping.Start)), OwnCalls.MADV_PAGEOUT) == 0 ? (long)(mapping.End - mapping.Start) : 0;
}
