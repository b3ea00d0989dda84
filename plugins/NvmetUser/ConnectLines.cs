using System.Net;

namespace EveStorage.NvmetUser;

/// <summary>What a person or a program takes over to connect, as the first host of the export. A key is named by a file, never told.</summary>
internal static class ConnectLines
{
    private const string UserNetwork = "10.0.2.2";   // this machine's loopback, as a guest of QEMU's user network sees it

    internal static IReadOnlyDictionary<string, string> Of(Export export, IPEndPoint address)
    {
        if (export.Spec.AllowedHosts is not [AllowedHost host, ..])
        {
            return new Dictionary<string, string>();   // nobody may connect
        }

        Dictionary<string, string> lines = new()
        {
            ["nvme connect"] = Connect(export, host, $"{address.Address}", address.Port),
            ["qemu"] = $"-netdev user,id=net0 -device virtio-net-pci,netdev=net0   # and in the guest: {Connect(export, host, UserNetwork, address.Port)}",
        };
        if (host.Key is null)
        {
            lines["dracut"] = $"rd.nvmf.hostnqn={host.Host} rd.nvmf.discover=tcp,{address.Address},,{address.Port}";   // which has no word for a key
        }

        return lines;
    }

    private static string Connect(Export export, AllowedHost host, string address, int port)
        => $"nvme connect -t tcp -a {address} -s {port} -n {export.Subsystem} --hostnqn {host.Host}"
            + (host.Key is null ? "" : " --dhchap-secret \"$(cat KEYFILE)\"")
            + (host.ControllerKey is null ? "" : " --dhchap-ctrl-secret \"$(cat CONTROLLERKEYFILE)\"");
}
