using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Host.Cli.Verbs;
using EveStorage.Host.Composition;
using Microsoft.Extensions.DependencyInjection;

namespace EveStorage.Host.Cli;

/// <summary>All verbs as one tree.</summary>
internal static class CommandTree
{
    /// <summary>Builds it.</summary>
    internal static RootCommand Build() => VerbTree.Of(FindVerbs());

    /// <summary>
    /// Builds it with the one verb that begins what was typed, where it is one of the API's, or its class is named by its two words as most are;
    /// else null. All of them take longer to make than what a short command does, and only who mistypes, or asks for help, sees the others.
    /// </summary>
    internal static RootCommand? BuildFor(IReadOnlyList<string> arguments)
        => (ApiVerbs.Find(arguments) ?? FindNamed(arguments)) is CliVerb verb ? VerbTree.Of([verb]) : null;

    private static CliVerb? FindNamed(IReadOnlyList<string> typed)
    {
        string[] arguments = GlobalOptions.Behind(typed);
        if (arguments.Length < 2 || !arguments.Take(2).All(static word => word.Length > 0 && word.All(char.IsAsciiLetterLower)))
        {
            return null;
        }

        string name = string.Concat(arguments.Take(2).Select(static word => $"{char.ToUpperInvariant(word[0])}{word[1..]}"));
        return typeof(Serve).Assembly.GetType($"{typeof(Serve).Namespace}.{name}") is { IsAbstract: false } type && type.IsAssignableTo(typeof(CliVerb))
            && (CliVerb)Activator.CreateInstance(type)! is CliVerb verb && verb.Words.SequenceEqual(arguments.Take(2))
                ? verb
                : null;
    }

    private static IEnumerable<CliVerb> FindVerbs()
        => new ServiceCollection()
            .Scan(static types => types.FromTypes(OwnTypes.In(typeof(Serve).Namespace!))
                .AddClasses(static verbs => verbs.AssignableTo<CliVerb>(), publicOnly: false)
                .As<CliVerb>()
                .WithSingletonLifetime())
            .Select(static verb => (CliVerb)Activator.CreateInstance(verb.ImplementationType!)!)
            .Concat(ApiVerbs.All)
            .OrderBy(static verb => string.Join(' ', verb.Words), StringComparer.Ordinal);
}
