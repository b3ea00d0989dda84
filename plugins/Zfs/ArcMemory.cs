using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>The memory in which ZFS caches, ARC: the kernel gives it up slowly, so that whoever plans a machine's memory has to leave it out.</summary>
internal static class ArcMemory
{
    private const string FileName = "/proc/spl/kstat/zfs/arcstats";

    /// <summary>What it may take at most, and takes; null while ZFS's module is not there.</summary>
    internal static SpaceUse? Now => File.Exists(FileName) ? FileCalls.Run(FileName, () => Read(File.ReadAllText(FileName))) : null;

    /// <summary>Reads the table: a name, a type and a value a line.</summary>
    internal static SpaceUse? Read(string table)
        => Value(table, "c_max") is long most && Value(table, "size") is long size ? new SpaceUse(new(most), new(size)) : null;

    private static long? Value(string table, string name)
        => table.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(words => words.Length == 3 && words[0] == name) is [_, _, string text]
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;
}
