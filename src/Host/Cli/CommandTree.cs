using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using EveStorage.Host.Cli.Verbs;
using EveStorage.Host.Composition;
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
    internal static RootCommand Build() => Build(FindVerbs());

    /// <summary>
    /// Builds it with the one verb that is called by its two words, where its class is named by them as most are; else null. All of them take
    /// longer to make than what a short command does, and only who mistypes, or asks for help, sees the others.
    /// </summary>
    internal static RootCommand? BuildFor(IReadOnlyList<string> arguments)
    {
        if (arguments.Count < 2 || !arguments.Take(2).All(static word => word.Length > 0 && word.All(char.IsAsciiLetterLower)))
        {
            return null;
        }

        string name = string.Concat(arguments.Take(2).Select(static word => $"{char.ToUpperInvariant(word[0])}{word[1..]}"));
        return typeof(CliVerb).Assembly.GetType($"{typeof(ImageImport).Namespace}.{name}") is { IsAbstract: false } type && type.IsAssignableTo(typeof(CliVerb))
            && (CliVerb)Activator.CreateInstance(type)! is CliVerb verb && verb.Words.SequenceEqual(arguments.Take(2))
                ? Build([verb])
                : null;
    }

    private static RootCommand Build(IEnumerable<CliVerb> verbs)
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

    private static IEnumerable<CliVerb> FindVerbs()
        => new ServiceCollection()
            .Scan(static types => types.FromTypes(OwnTypes.In(typeof(ImageImport).Namespace!))
                .AddClasses(static verbs => verbs.AssignableTo<CliVerb>(), publicOnly: false)
                .As<CliVerb>()
                .WithSingletonLifetime())
            .Select(static verb => (CliVerb)Activator.CreateInstance(verb.ImplementationType!)!)
            .OrderBy(static verb => string.Join(' ', verb.Words), StringComparer.Ordinal);
}
