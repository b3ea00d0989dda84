using System.CommandLine;
using EveStorage.Cli;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class Manual() : CliVerb("man", "Print the manual page, in the form that man reads.\n\nExample: evestorage man > /usr/share/man/man1/evestorage.1")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        await invocation.Output.WriteAsync(ManualPage.Write((RootCommand)invocation.Parsed.RootCommandResult.Command));
        return ExitCodes.Success;
    }
}
