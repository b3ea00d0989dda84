using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// Cuts off the hosts of a subsystem: taking it off its ports ends its connections, and that is the only way the kernel has.
/// Hosts that are still allowed connect again and go on; one that is not is refused.
/// </summary>
internal sealed class Cut(NvmetTree tree, Nqn subsystem)
{
    private readonly List<(int Port, Guid? Operation)> _ports = [];

    /// <summary>Ends the connections, and serves it nowhere.</summary>
    internal void Stop()
    {
        foreach (NvmetPort port in tree.PortsOf(subsystem))
        {
            string path = tree.PathOfPort(port.Id, subsystem);
            _ports.Add((port.Id, tree.Marks.Find(path)));
            Configfs.Unlink(path);
        }
    }

    /// <summary>Serves it again where it was.</summary>
    internal void Resume()
    {
        foreach ((int port, Guid? operation) in _ports)
        {
            string path = tree.PathOfPort(port, subsystem);
            bool Link() => Configfs.Link(path, tree.PathOf(subsystem));
            if (operation is Guid mine)
            {
                tree.Marks.Make(path, mine, Link);
            }
            else
            {
                Link();
            }
        }

        _ports.Clear();
    }
}
