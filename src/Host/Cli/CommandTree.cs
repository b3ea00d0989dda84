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
    /// Builds it with the one verb that begins what was typed, where it is one of the API's, or its class is named by its words as most are;
    /// else null. All of them take longer to make than what a short command does, and only who mistypes, or asks for help, sees the others.
    /// </summary>
    internal static RootCommand? BuildFor(IReadOnlyList<string> arguments)
        => (ApiVerbs.Find(arguments) ?? FindNamed(arguments)) is CliVerb verb ? VerbTree.Of([verb]) : null;

    private static CliVerb? FindNamed(IReadOnlyList<string> typed)
    {
        string[] words = [.. GlobalOptions.Behind(typed).TakeWhile(static word => word.Length > 0 && word.All(char.IsAsciiLetterLower)).Take(2)];
        return words switch
        {
            [] => null,
            [_] => Named(words),
            _ => Named(words) ?? Named(words[..1]),
        };
    }

    private static CliVerb? Named(string[] words)
    {
        string name = string.Concat(words.Select(static word => $"{char.ToUpperInvariant(word[0])}{word[1..]}"));
        return typeof(Serve).Assembly.GetType($"{typeof(Serve).Namespace}.{name}") is { IsAbstract: false } type && type.IsAssignableTo(typeof(CliVerb))
            && (CliVerb)Activator.CreateInstance(type)! is CliVerb verb && verb.Words.SequenceEqual(words)
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
