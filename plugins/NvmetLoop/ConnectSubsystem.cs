using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Connects this machine to a subsystem of its own. The connection is of whoever made the subsystem, which is of nobody else.</summary>
internal sealed class ConnectSubsystem(LoopHost host, Nqn subsystem, string directory) : StorageStep
{
    private bool _connected;

    public override string Title => $"nvmet-loop: connect to {subsystem}";

    public override StepEffect Expected { get; } = LoopHost.IsConnectedTo(subsystem) ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (LoopHost.IsConnectedTo(subsystem))
        {
            return IsOf(context) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        await host.ConnectAsync(subsystem, cancellationToken);
        _connected = true;
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsOf(context))
        {
            LoopHost.Disconnect(subsystem);
        }

        return default;
    }

    private bool IsOf(OperationContext context) => _connected || host.Marks.Find(directory) == context.Request.Id;
}
