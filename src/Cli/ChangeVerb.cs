using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>A verb that changes something: it can show its plan, and it asks before it destroys.</summary>
internal abstract class ChangeVerb : CliVerb
{
    private readonly Option<bool> _plan = new("--plan") { Description = "Show the steps and what each would do, and do nothing." };
    private readonly Option<bool>? _yes;

    /// <inheritdoc cref="CliVerb(string, string)"/>
    protected ChangeVerb(string path, string description, bool destroys = false)
        : base(path, description)
    {
        Add(_plan);
        _yes = destroys ? Add(new Option<bool>("--yes", "-y") { Description = "Don't ask. Without a terminal it has to be given." }) : null;
    }

    /// <summary>What is asked for.</summary>
    protected abstract Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken);

    /// <summary>The image of an import or a save; null for everything else.</summary>
    protected virtual OpenedImage? OpenImage(ParseResult parsed) => null;

    /// <summary>Whether what is asked for is there, and that is enough.</summary>
    /// <exception cref="StorageException">It is there otherwise than asked for.</exception>
    protected virtual Task<bool> IsThereAsync(ParseResult parsed, IStorageApi api, ChangeRequest request, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>Tells a person more of what was done.</summary>
    protected virtual Task TellMoreAsync(TextWriter output, IStorageApi api, OperationReport done, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    protected sealed override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        using OpenedImage? image = OpenImage(invocation.Parsed);
        invocation.OutputIsTaken = image?.IsOutput == true;
        invocation.LooksAtImage = image is { IsWritten: false };
        return await RunAsync(invocation, image, cancellationToken);
    }

    private async Task<int> RunAsync(Invocation invocation, OpenedImage? image, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        ChangeRequest request = await RequestAsync(invocation.Parsed, api, cancellationToken);
        if (await IsThereAsync(invocation.Parsed, api, request, cancellationToken))
        {
            invocation.Answer(new AlreadySo(request.Subject), output => output.WriteLine($"{request.Subject}: is there already"));
            return ExitCodes.Success;
        }

        if (invocation.Parsed.GetValue(_plan))
        {
            PlanReport plan = await api.PlanAsync(request, image?.File, cancellationToken);
            invocation.Answer(plan, output => Table.Write(output, ["step", "expected"], plan.Steps.Select(step => new[] { step.Title, step.Expected })));
            return ExitCodes.Success;
        }

        if (_yes is not null && !invocation.Parsed.GetValue(_yes))
        {
            await api.PlanAsync(request, image?.File, cancellationToken);   // nobody is asked about what can't be done anyway
            if (!Confirm(invocation, request))
            {
                return ExitCodes.Cancelled;
            }
        }

        OperationReport ended = await OperationWatch.RunAsync(invocation, api, request, image?.File, cancellationToken);
        if (ended.State == OperationState.Succeeded)
        {
            image?.Keep();
        }

        int code = OperationWatch.Conclude(invocation, ended);
        if (code == ExitCodes.Success && !invocation.Json)
        {
            await TellMoreAsync(invocation.Output, api, ended, cancellationToken);
        }

        return code;
    }

    /// <summary>The pool of an address, found by the volume's name where it was left out.</summary>
    /// <exception cref="StorageException">No pool has it, or several have.</exception>
    protected static async Task<PoolName> PoolOfAsync(VolumeAddress address, IStorageApi api, CancellationToken cancellationToken)
        => await Addresses.PoolOfAsync(address, api, cancellationToken);

    private static bool Confirm(Invocation invocation, ChangeRequest request)
    {
        if (!invocation.IsInteractive || Console.IsInputRedirected)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "would lose data: add --yes to do it without being asked");
        }

        invocation.Error.Write($"This destroys data of {request.Subject}, for good. Go on? [y/N] ");
        return Console.ReadLine() is "y" or "Y" or "yes";
    }
}
