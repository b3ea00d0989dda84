using System.Globalization;
using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>This machine as the host of its own target.</summary>
internal sealed class LoopHost(ConfigfsMarks marks, int maxQueues)
{
    private const string Fabrics = "/dev/nvme-fabrics";

    // A name and an id of their own, the same always: the kernel takes one id for a name. Only programs here can use them.
    private const string HostId = "6c1bd5c4-3a0b-4d54-9d0c-6f1a7c2f70e5";

    internal static HostNqn Name { get; } = new($"nqn.2014-08.org.nvmexpress:uuid:{HostId}");

    internal ConfigfsMarks Marks => marks;

    internal static bool IsConnectedTo(Nqn subsystem) => FabricsHost.ConnectedTo(subsystem).Count > 0;

    internal async Task ConnectAsync(Nqn subsystem, CancellationToken cancellationToken)
    {
        if (!File.Exists(Fabrics))
        {
            await KernelModule.LoadAsync("nvme-fabrics", cancellationToken);
        }

        List<(string, string)> words = [("transport", "loop"), ("traddr", PortAddress.Loop.Address), ("hostnqn", $"{Name}"), ("hostid", HostId)];
        if (maxQueues > 0)
        {
            words.Add(("nr_io_queues", maxQueues.ToString(CultureInfo.InvariantCulture)));
        }

        FabricsHost.Connect(subsystem, words);
    }

    internal static void Disconnect(Nqn subsystem)
    {
        foreach (FabricsController controller in FabricsHost.ConnectedTo(subsystem))
        {
            controller.Disconnect();
        }
    }
}

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
