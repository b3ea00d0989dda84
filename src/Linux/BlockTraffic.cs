using System.Globalization;

namespace EveStorage.Linux;

/// <summary>What the kernel has counted of a block device since that is there (Documentation/block/stat.rst).</summary>
/// <param name="Reads">Reads that ended.</param>
/// <param name="ReadBytes">Bytes read.</param>
/// <param name="Writes">Writes that ended.</param>
/// <param name="WrittenBytes">Bytes written.</param>
public readonly record struct BlockTraffic(long Reads, long ReadBytes, long Writes, long WrittenBytes)
{
    private const int Sector = 512;   // of the counters, whatever the device's own

    /// <summary>Looks at the device at <paramref name="path"/>; null when it is none, or the kernel counts nothing of it.</summary>
    public static BlockTraffic? Of(string path)
    {
        if (BlockDevice.FindNumber(path) is not string number || Configfs.Find($"/sys/dev/block/{number}/stat") is not string text)
        {
            return null;
        }

        string[] counts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return counts.Length < 7 ? null : new(Count(counts[0]), Count(counts[2]) * Sector, Count(counts[4]), Count(counts[6]) * Sector);
    }

    private static long Count(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
