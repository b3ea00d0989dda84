using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Ends the connection to a subsystem that has no volume any more.</summary>
internal sealed class DisconnectSubsystem(LoopHost host, NvmetTree tree, Nqn subsystem) : StorageStep
{
    private bool _disconnected;

    public override string Title => $"nvmet-loop: disconnect from {subsystem} unless it has volumes";

    public override StepEffect Expected { get; } = LoopHost.IsConnectedTo(subsystem) ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!LoopHost.IsConnectedTo(subsystem) || tree.NamespacesOf(subsystem).Count > 0)
        {
            return new(_disconnected ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        LoopHost.Disconnect(subsystem);
        _disconnected = true;
        return new(StepOutcome.Changed);
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_disconnected && !LoopHost.IsConnectedTo(subsystem))
        {
            await host.ConnectAsync(subsystem, cancellationToken);
        }
    }
}
