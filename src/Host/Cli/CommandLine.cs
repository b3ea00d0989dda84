using System.CommandLine;
using System.CommandLine.Parsing;
using EveStorage.Cli;

namespace EveStorage.Host.Cli;

/// <summary>Parses what was typed and runs it. What can't be parsed is one line and exit code 2.</summary>
internal static class CommandLine
{
    internal static async Task<int> RunAsync(string[] arguments)
    {
        ParseResult parsed = CommandTree.BuildFor(arguments)?.Parse(arguments) is { Errors.Count: 0 } known ? known : CommandTree.Build().Parse(arguments);
        string? complaint = parsed.Errors.Count > 0 ? Complaint(parsed) : VerbTree.StrayOption(parsed);
        if (complaint is not null)
        {
            string told = $"{complaint}; see `{Words(parsed)} --help`";
            await Console.Error.WriteLineAsync(arguments.Contains(GlobalOptions.Json.Name)
                ? Invocation.ErrorText(new(StorageErrorKind.InvalidConfiguration, Words(parsed), told))
                : $"evestorage: {told}");
            return ExitCodes.Usage;
        }

        return await parsed.InvokeAsync(new VerbInvocation(HostSession.OpenAsync));
    }

    private static string Complaint(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (command.Subcommands.Count == 0)
        {
            return string.Join(' ', parsed.Errors[0].Message.TrimEnd('.').Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        }

        string verbs = string.Join(", ", command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name));
        return parsed.UnmatchedTokens is not [string typed, ..] ? $"a verb is missing; there are {verbs}"
            : typed.StartsWith('-') ? $"'{typed}' is no option here"
            : Nearest(typed, command) is string near ? $"'{typed}' is no verb here; did you mean '{near}'?"
            : $"'{typed}' is no verb here; there are {verbs}";
    }

    private static string Words(ParseResult parsed)
    {
        List<string> words = [];
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
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
