using System.CommandLine;

namespace EveStorage.Cli;

/// <summary>Options of every verb.</summary>
internal static class GlobalOptions
{
    /// <summary>Whether to answer a program.</summary>
    internal static Option<bool> Json { get; } = new("--json") { Description = "Answer with JSON, for programs.", Recursive = true };

    /// <summary>The profile.</summary>
    internal static Option<string?> Profile { get; } = new("--profile")
    {
        Description = "The profile: a name (see `profile list`) or the path of a file. Without it, the one that appsettings.json names.",
        HelpName = "NAME|PATH",
        Recursive = true,
    };

    /// <summary>What was typed behind those of these options that stand before a verb. One that none of them is ends them, for the parser to judge.</summary>
    internal static string[] Behind(IReadOnlyList<string> arguments)
    {
        int at = 0;
        while (at < arguments.Count && LengthOf(arguments[at]) is int length and > 0)
        {
            at += length;
        }

        return [.. arguments.Skip(at)];
    }

    private static int LengthOf(string argument)
        => argument == Json.Name || argument.StartsWith($"{Profile.Name}=", StringComparison.Ordinal) || argument.StartsWith($"{Profile.Name}:", StringComparison.Ordinal) ? 1
            : argument == Profile.Name ? 2
            : 0;
}
