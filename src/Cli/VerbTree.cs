using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace EveStorage.Cli;

/// <summary>Verbs as one tree.</summary>
internal static class VerbTree
{
    private static readonly Dictionary<string, string> s_nouns = new()
    {
        ["plugin"] = "What provides backends, transports and image formats.",
        ["profile"] = "Which plugins, pools and transports this machine has.",
        ["device"] = "The block devices of this machine.",
        ["pool"] = "Space that volumes come from.",
        ["key"] = "The keys that encryption and authentication use, by name.",
        ["fs"] = "File systems of services: make, mount, grow, remove.",
        ["volume"] = "Disks: make, grow, freeze, clone, remove.",
        ["image"] = "Disk images: look into them, make volumes of them, write volumes to them.",
        ["export"] = "Which hosts are served which volumes.",
        ["operation"] = "What runs, and what ran lately.",
    };

    /// <summary>Builds it.</summary>
    internal static RootCommand Of(IEnumerable<CliVerb> verbs)
    {
        RootCommand root = new(
            $"""
            Storage for edge hosts: images become volumes in pools, and volumes disks of guests over NVMe-oF.

            Sizes are written 512MiB, 10GiB, or 512M, 10G. A volume is [POOL/]NAME and a snapshot [POOL/]NAME@LABEL; the pool can be left out where
            the name is enough. Each verb has its own --help. Settings are in /etc/evestorage/appsettings.json and in profiles: see
            docs/configuration.md and `profile show`. Exit codes:
            {string.Join('\n', ExitCodes.All.Select(code => $"  {code.Code,3}  {code.Meaning}"))}
            """);
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Aliases.Remove("/h");
        help.Aliases.Remove("/?");
        help.Action = new VerbHelp((SynchronousCommandLineAction)help.Action!);
        root.Add(GlobalOptions.Json);
        root.Add(GlobalOptions.Profile);
        Dictionary<string, Command> nouns = [];
        foreach (CliVerb verb in verbs)
        {
            Command parent = root;
            if (verb.Words.Count > 1)
            {
                if (!nouns.TryGetValue(verb.Words[0], out Command? noun))
                {
                    noun = new(verb.Words[0], s_nouns[verb.Words[0]]);
                    nouns.Add(verb.Words[0], noun);
                    root.Add(noun);
                }

                parent = noun;
            }

            parent.Add(verb.Command);
        }

        return root;
    }

    /// <summary>
    /// What is wrong with an option that none is; null when each is one. The parser takes one that it doesn't know for an argument, where one of
    /// any text can be. After <c>--</c> it may be one.
    /// </summary>
    internal static string? StrayOption(ParseResult parsed)
        => parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            ? null
            : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
                .Where(token => token.Value.StartsWith("--", StringComparison.Ordinal))
                .Select(token => $"'{token.Value}' is no option here")
                .FirstOrDefault();
}
