using System.CommandLine;

namespace EveStorage.Cli;

/// <summary>One thing the command line can do. Those that ask nothing but the API are in <see cref="ApiVerbs"/>; the host's own are found.</summary>
internal abstract class CliVerb
{
    /// <summary>A verb.</summary>
    /// <param name="path">What a person types: <c>pool create</c>.</param>
    /// <param name="description">What it does, in a line, then whatever more a person needs to use it.</param>
    protected CliVerb(string path, string description)
    {
        Words = path.Split(' ');
        Command = new(Words[^1], description);
        Command.SetAction((parsed, cancellationToken) => Invocation.RunAsync(parsed, RunAsync, cancellationToken));
    }

    /// <summary>Its words.</summary>
    internal IReadOnlyList<string> Words { get; }

    /// <summary>Its place in the command tree.</summary>
    internal Command Command { get; }

    /// <summary>Does it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="StorageException">It can't be done; the exit code is that of the kind.</exception>
    protected abstract Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken);

    /// <summary>Adds an argument.</summary>
    protected T Add<T>(T symbol)
        where T : Symbol
    {
        switch (symbol)
        {
            case Argument argument:
                Command.Add(argument);
                break;
            case Option option:
                Command.Add(option);
                break;
            default:
                throw new ArgumentException($"{symbol.Name} is neither an option nor an argument", nameof(symbol));
        }

        return symbol;
    }
}
