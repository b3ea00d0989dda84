using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class OperationList() : CliVerb("operation list", "List the operations that run and the last that ended, oldest first.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<OperationReport> operations = await (await invocation.OpenAsync(cancellationToken)).ListOperationsAsync(cancellationToken);
        invocation.Answer(operations, output => Table.Write(
            output, ["operation", "started", "state", "change", "subject"],
            operations.Select(operation => new[]
            {
                $"{operation.Id}", $"{operation.Started:u}", operation.State.ToString(), operation.Request.GetType().Name, operation.Request.Subject,
            })));
        return ExitCodes.Success;
    }
}

internal sealed class OperationShow : CliVerb
{
    private readonly Argument<string> _id = OperationIds.Argument();

    public OperationShow()
        : base("operation show", "Show an operation: what was asked, by whom, each step, how it ended.")
        => Add(_id);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        OperationReport operation = await OperationIds.FindAsync(invocation.Parsed.GetValue(_id)!, await invocation.OpenAsync(cancellationToken), cancellationToken);
        invocation.Answer(operation, output =>
        {
            output.WriteLine($"operation  {operation.Id}");
            output.WriteLine($"change     {operation.Request.GetType().Name} {operation.Request.Subject}");
            output.WriteLine($"asked by   user {operation.UserId}, {operation.Started:u}");
            output.WriteLine($"state      {operation.State}{(operation.Ended is DateTimeOffset ended ? $", {ended:u}" : "")}");
            foreach (StepReport step in operation.Steps)
            {
                output.WriteLine($"step       {step.Outcome}: {step.Title}");
            }

            if (operation.Error is ErrorReport error)
            {
                output.WriteLine($"error      {error.Subject}: {error.Message}");
            }
        });
        return ExitCodes.Success;
    }
}

internal sealed class OperationCancel : CliVerb
{
    private readonly Argument<string> _id = OperationIds.Argument();

    public OperationCancel()
        : base("operation cancel", "Ask an operation to stop and to undo what it did. One that has destroyed something goes on to its end.")
        => Add(_id);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        OperationReport operation = await OperationIds.FindAsync(invocation.Parsed.GetValue(_id)!, api, cancellationToken);
        await api.CancelOperationAsync(operation.Id, cancellationToken);
        invocation.Answer(operation, output => output.WriteLine(operation.State.IsUnderWay()
            ? $"{operation.Id}: is told to stop and to undo what it did, unless it has destroyed something already"
            : $"{operation.Id}: had ended already: {operation.State}"));
        return ExitCodes.Success;
    }
}

internal sealed class OperationClear : CliVerb
{
    private readonly Argument<string> _id = OperationIds.Argument();

    public OperationClear()
        : base("operation clear", "Say that all is well after an operation that needed a person: its volume takes changes again. It changes nothing else.")
        => Add(_id);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        OperationReport operation = await OperationIds.FindAsync(invocation.Parsed.GetValue(_id)!, api, cancellationToken);
        await api.ClearOperationAsync(operation.Id, cancellationToken);
        return ExitCodes.Success;
    }
}

internal sealed class Events : CliVerb
{
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on with each new one, until Ctrl-C." };

    public Events()
        : base("events", "Show what happened outside of operations: hosts that connect, syncs that fail, pools that fill. The daemon keeps the last 1000.")
        => Add(_follow);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        if (!(await api.GetHostAsync(cancellationToken)).Daemon)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "events", "are kept by the daemon, and none runs: start `evestorage serve`");
        }

        await foreach (EventReport report in api.WatchEventsAsync(invocation.Parsed.GetValue(_follow), cancellationToken))
        {
            await invocation.Output.WriteLineAsync(invocation.Json
                ? System.Text.Json.JsonSerializer.Serialize(report, ApiJson.TypeOf<EventReport>())
                : $"{report.Time:u}  {report.Severity,-11}  {report.Id}  {report.Subject}: {report.Message}");
        }

        return ExitCodes.Success;
    }
}
