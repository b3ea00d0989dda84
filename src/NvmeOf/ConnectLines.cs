using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>A host that may connect, and whether it has to prove a key and is shown the controller's in turn.</summary>
public readonly record struct ConnectingHost(HostNqn Host, bool HasKey, bool HasControllerKey);

/// <summary>The lines that a person or a program takes over to connect. A secret is never in them: the shell reads it from a file.</summary>
public static class ConnectLines
{
    /// <summary>This machine's loopback as a guest on QEMU's user network sees it.</summary>
    private static readonly IPAddress s_loopbackInQemu = IPAddress.Parse("10.0.2.2");

    /// <summary>
    /// An id for a host: that of its name where it has one, else one made of the name. Linux takes one id for a name and one name
    /// for an id, and without one it takes that of its own name (drivers/nvme/host/fabrics.c, nvmf_host_add).
    /// </summary>
    public static Guid HostIdOf(HostNqn host)
        => Guid.TryParse($"{host}".Split(":uuid:", 2).Last(), out Guid id) ? id : new(SHA256.HashData(Encoding.UTF8.GetBytes($"{host}")).AsSpan(0, 16));

    /// <summary>The lines by purpose, which names the host where there are several.</summary>
    public static IReadOnlyDictionary<string, string> Of(IPEndPoint target, Nqn subsystem, IReadOnlyList<ConnectingHost> hosts)
    {
        Dictionary<string, string> lines = [];
        if (hosts.Count == 0)
        {
            return lines;   // nobody may connect
        }

        IPEndPoint inGuest = IPAddress.IsLoopback(target.Address) ? new(s_loopbackInQemu, target.Port) : target;
        lines["qemu"] = "-netdev user,id=evestorage -device virtio-net-pci,netdev=evestorage";
        foreach (ConnectingHost host in hosts)
        {
            string whose = hosts.Count == 1 ? "" : $" as {host.Host}";
            lines["nvme connect" + whose] = Connect(target, subsystem, host);
            lines["nvme connect in the qemu guest" + whose] = Connect(inGuest, subsystem, host);
            if (!host.HasKey)
            {
                // dracut.cmdline(7) has no words for a secret.
                lines["dracut in the qemu guest" + whose] = $"rd.nvmf.hostnqn={host.Host} rd.nvmf.hostid={HostIdOf(host.Host)} rd.nvmf.discover=tcp,{inGuest.Address},,{inGuest.Port}";
            }
        }

        return lines;
    }

    private static string Connect(IPEndPoint at, Nqn subsystem, ConnectingHost host)
        => $"nvme connect --transport=tcp --traddr={at.Address} --trsvcid={at.Port} --nqn={subsystem} --hostnqn={host.Host} --hostid={HostIdOf(host.Host)}"
            + (host.HasKey ? " --dhchap-secret=\"$(cat KEYFILE)\"" : "")
            + (host.HasControllerKey ? " --dhchap-ctrl-secret=\"$(cat CONTROLLERKEYFILE)\"" : "");
}
