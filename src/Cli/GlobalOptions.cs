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
}
