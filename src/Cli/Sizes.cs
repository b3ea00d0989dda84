using System.Globalization;

namespace EveStorage.Cli;

/// <summary>Sizes for a person: the largest unit that leaves a number of 1 or more, with one decimal at most. A program is told bytes.</summary>
internal static class Sizes
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>Writes one.</summary>
    internal static string ForPerson(this ByteSize size)
    {
        int unit = 0;
        double value = size.Bytes;
        while (Math.Round(value, 1) >= 1024 && unit < s_units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#}{s_units[unit]}");
    }
}
