using System.CommandLine;
using System.CommandLine.Invocation;

namespace EveStorage.Cli;

/// <summary>Help of a verb, with the exit codes; in a list of verbs each has only its first paragraph.</summary>
internal sealed class VerbHelp(SynchronousCommandLineAction writer) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool Terminating => true;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        Command command = parseResult.CommandResult.Command;
        foreach (Command below in command.Subcommands)
        {
            below.Description = below.Description?.Split("\n\n")[0];
        }

        int code = writer.Invoke(parseResult);
        if (command.Subcommands.Count == 0)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Exit codes:");
            foreach ((int exit, string meaning) in ExitCodes.All)
            {
                output.WriteLine($"  {exit,3}  {meaning}");
            }
        }

        return code;
    }
}
