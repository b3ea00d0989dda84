using System.CommandLine;

namespace EveStorage.Host.Cli;

/// <summary>Parses what was typed and runs it. What can't be parsed is one line and exit code 2.</summary>
internal static class CommandLine
{
    internal static async Task<int> RunAsync(string[] arguments)
    {
        RootCommand root = CommandTree.Build();
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync($"evestorage: {Complaint(parsed)}; see `{Words(parsed)} --help`");
            return ExitCodes.Usage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    private static string Complaint(ParseResult parsed)
    {
        string message = string.Join(' ', parsed.Errors[0].Message.TrimEnd('.').Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Command command = parsed.CommandResult.Command;
        string? near = parsed.UnmatchedTokens.Count > 0 && command.Subcommands.Count > 0 ? Nearest(parsed.UnmatchedTokens[0], command) : null;
        return near is null ? message : $"'{parsed.UnmatchedTokens[0]}' is no verb here; did you mean '{near}'?";
    }

    private static string Words(ParseResult parsed)
    {
        List<string> words = [];
        for (System.CommandLine.Parsing.SymbolResult? at = parsed.CommandResult; at is System.CommandLine.Parsing.CommandResult command; at = at.Parent)
        {
            words.Insert(0, command.Parent is null ? "evestorage" : command.Command.Name);
        }

        return string.Join(' ', words);
    }

    private static string? Nearest(string typed, Command command)
        => command.Subcommands.Select(known => known.Name).OrderBy(name => Distance(name, typed)).FirstOrDefault(name => Distance(name, typed) <= 2);

    // Levenshtein's: how many letters to change, add or leave out.
    private static int Distance(string one, string other)
    {
        int[] row = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= other.Length; j++)
            {
                int change = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
