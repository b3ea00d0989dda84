using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class Apply : CliVerb
{
    private readonly Argument<string?> _file = new("file") { Description = "What is to be here, as JSON.", HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _plan = new("--plan") { Description = "Show what differs from the file, and do nothing." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Don't ask before data is removed. Without a terminal it has to be given where the file has something removed." };
    private readonly Option<bool> _schema = new("--schema") { Description = "Print the JSON Schema of such a file, and do nothing." };

    public Apply()
        : base(
            "apply",
            "Make so what a file says: pools, volumes, file systems and exports. What differs is shown first, and nothing else is touched; nothing is removed that the file does not call absent. To apply a file again changes nothing.\n\nExample: evestorage apply --plan site.json\n          evestorage apply site.json")
    {
        Add(_file);
        Add(_plan);
        Add(_yes);
        Add(_schema);
        Command.Validators.Add(result =>
        {
            if ((result.GetValue(_file) is null) != result.GetValue(_schema))
            {
                result.AddError("give a file, or --schema");
            }
        });
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Parsed.GetValue(_schema))
        {
            await invocation.Output.WriteAsync(DesiredSchema.Text);
            return ExitCodes.Success;
        }

        string file = invocation.Parsed.GetValue(_file)!;
        DesiredState state = DesiredReader.ReadFile(file);
        invocation.LooksAtImage = state.Volumes.Values.Any(volume => volume.Image is not null);
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        DesiredImages images = new(((HostSession)invocation.Session).Profile.Desired.Images);
        Difference difference = await Difference.FindAsync(api, state, cancellationToken);
        images.RequireDirectory(difference);
        difference = await new ForeseenRefusals(api, images).FindAsync(
            images.Judge(difference), async () => images.Judge(await Difference.FindAsync(api, state, cancellationToken)), cancellationToken);
        if (difference.Changes.Count == 0 || invocation.Parsed.GetValue(_plan))
        {
            return Show(invocation, difference);
        }

        if (!invocation.Json)
        {
            WriteTable(invocation.Output, difference);
        }

        if (!invocation.Parsed.GetValue(_yes) && difference.Changes.Any(change => change.Destroys) && !Confirm(invocation, file, difference))
        {
            return ExitCodes.Cancelled;
        }

        DesiredRun run = new(api, images, (request, image, cancel) => OperationWatch.RunAsync(invocation, api, request, image, cancel));
        DesiredReport report = await run.RunAsync(state, difference, result => Tell(invocation, result), cancellationToken);
        return Conclude(invocation, report);
    }

    private static int Show(Invocation invocation, Difference difference)
    {
        invocation.Answer(
            new { Changes = difference.Changes.Select(change => new { change.Subject, change.Does, change.Destroys, Error = change.Refusal }), difference.Same },
            output =>
            {
                if (difference.Changes.Count == 0)
                {
                    output.WriteLine($"nothing differs, of {difference.Same}");
                }
                else
                {
                    WriteTable(output, difference);
                }
            });
        return difference.Changes.Select(change => change.Refusal).FirstOrDefault(refusal => refusal is not null) is ErrorReport refused ? ExitCodes.Of(refused.Kind) : ExitCodes.Success;
    }

    private static void WriteTable(TextWriter output, Difference difference)
    {
        Table.Write(output, ["differs", "so"], difference.Changes.Select(change => new[] { change.Subject, change.Refusal is null ? change.Does : $"refused: {change.Refusal.Message}" }));
        output.WriteLine($"the same: {difference.Same}");
    }

    private static void Tell(Invocation invocation, DesiredResult result)
    {
        if (result.Error is ErrorReport error)
        {
            invocation.Tell(error);
        }
        else if (!invocation.Json)
        {
            invocation.Output.WriteLine($"{result.Subject}: {result.Does}: done");
        }
    }

    private static int Conclude(Invocation invocation, DesiredReport report)
    {
        invocation.Answer(report, output =>
        {
            foreach (DesiredResult left in report.Changes.Where(result => result.Outcome == DesiredOutcome.Left))
            {
                output.WriteLine($"{left.Subject}: {left.Does}: left, since what it needs is not there");
            }
        });
        return report.Error is ErrorReport error ? ExitCodes.Of(error.Kind) : ExitCodes.Success;
    }

    private static bool Confirm(Invocation invocation, string file, Difference difference)
    {
        string removed = string.Join(", ", difference.Changes.Where(change => change.Destroys).Select(change => change.Subject));
        if (!invocation.IsInteractive || Console.IsInputRedirected)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, file, $"would have data removed, of {removed}: add --yes to do it without being asked");
        }

        invocation.Error.Write($"This destroys data of {removed}, for good. Go on? [y/N] ");
        return Console.ReadLine() is "y" or "Y" or "yes";
    }
}
