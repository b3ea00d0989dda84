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
