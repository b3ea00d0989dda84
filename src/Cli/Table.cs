namespace EveStorage.Cli;

/// <summary>Rows for a person: columns as wide as they need, headings in capitals, no lines.</summary>
internal static class Table
{
    internal static void Write(TextWriter output, IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] all = [[.. headings.Select(heading => heading.ToUpperInvariant())], .. rows];
        int[] widths = [.. headings.Select((_, column) => all.Max(row => row[column].Length))];
        foreach (IReadOnlyList<string> row in all)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
