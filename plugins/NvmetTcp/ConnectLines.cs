using System.Net;

namespace EveStorage.NvmetTcp;

/// <summary>The lines that a host takes over to connect. A secret is never in them: the shell reads it from a file.</summary>
internal static class ConnectLines
{
    /// <summary>This machine's loopback as a guest on QEMU's user network sees it.</summary>
    private static readonly IPAddress s_loopbackInQemu = IPAddress.Parse("10.0.2.2");

    internal static Dictionary<string, string> Of(IPEndPoint target, Nqn subsystem, HostNqn host, bool hasKey)
    {
        bool loopback = IPAddress.IsLoopback(target.Address);
        IPEndPoint inGuest = loopback ? new(s_loopbackInQemu, target.Port) : target;
        Dictionary<string, string> lines = new()
        {
            ["nvme connect"] = Connect(target, subsystem, host, hasKey),
            ["qemu"] = "-netdev user,id=evestorage -device virtio-net-pci,netdev=evestorage",
            ["nvme connect in the qemu guest"] = Connect(inGuest, subsystem, host, hasKey),
        };
        if (!hasKey)
        {
            // dracut.cmdline(7) has no words for a secret.
            lines["dracut"] = $"rd.nvmf.hostnqn={host} rd.nvmf.discover=tcp,{inGuest.Address},,{inGuest.Port}";
        }

        return lines;
    }

    private static string Connect(IPEndPoint target, Nqn subsystem, HostNqn host, bool hasKey)
        => $"nvme connect --transport=tcp --traddr={target.Address} --trsvcid={target.Port} --nqn={subsystem} --hostnqn={host}{(hasKey ? " --dhchap-secret=\"$(cat KEYFILE)\"" : "")}";
}
