using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Microsoft.Extensions.DependencyInjection;

namespace EveStorage.Host.Cli;

/// <summary>All verbs as one tree.</summary>
internal static class CommandTree
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
    internal static RootCommand Build()
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
        foreach (CliVerb verb in FindVerbs())
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

    private static IEnumerable<CliVerb> FindVerbs()
    {
        using ServiceProvider services = new ServiceCollection()
            .Scan(static types => types.FromAssemblyOf<CliVerb>()
                .AddClasses(static verbs => verbs.AssignableTo<CliVerb>(), publicOnly: false)
                .As<CliVerb>()
                .WithSingletonLifetime())
            .BuildServiceProvider();
        return [.. services.GetServices<CliVerb>().OrderBy(verb => string.Join(' ', verb.Words), StringComparer.Ordinal)];
    }
}
