using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// The kernel's NVMe target as it is now, read from its configfs tree. Reading opens nothing for writing. Our subsystems have
/// a mark in their names, our ports have numbers of their own, and what has neither is marked in /run.
/// </summary>
/// <param name="root">Where the tree is.</param>
/// <param name="marks">Which operation made what.</param>
public sealed class NvmetTree(string root, ConfigfsMarks marks)
{
    /// <summary>Where the kernel has it.</summary>
    public const string KernelRoot = "/sys/kernel/config/nvmet";

    private const string Unset = "(null)";   // what printf of the kernel makes of no string

    /// <summary>Whether configfs is mounted and the target is loaded.</summary>
    public bool IsPresent => Configfs.IsDirectory(Path.Combine(root, "subsystems"));

    /// <summary>Which operation made what.</summary>
    internal ConfigfsMarks Marks => marks;

    /// <summary>Takes an object of the kernel away; one that is not there is gone.</summary>
    internal Action<string> RemoveObject { private get; init; } = Configfs.Remove;

    /// <summary>The subsystems that are ours.</summary>
    public IEnumerable<Nqn> OwnSubsystems
        => Configfs.Objects(Path.Combine(root, "subsystems")).Where(n => n.StartsWith(Nqn.OwnPrefix, StringComparison.Ordinal)).Select(n => new Nqn(n));

    /// <summary>All ports with decimal names, also those that are not ours.</summary>
    public IReadOnlyList<NvmetPort> Ports => [.. Configfs.Numbers(Path.Combine(root, "ports")).Select(PortAt)];

    /// <summary>The namespaces of one of our subsystems; none when it is not there.</summary>
    public IReadOnlyList<NvmetNamespace> NamespacesOf(Nqn subsystem)
        => [.. Configfs.Numbers(Path.Combine(PathOf(subsystem), "namespaces")).Select(number => Find(subsystem, number)).OfType<NvmetNamespace>()];

    /// <summary>The namespace of that number; null when there is none.</summary>
    public NvmetNamespace? Find(Nqn subsystem, int number)
    {
        string path = PathOf(subsystem, number);
        return Configfs.IsDirectory(path)
            ? new(
                subsystem,
                number,
                Guid.TryParse(Configfs.Find($"{path}/device_uuid"), out Guid id) ? id : Guid.Empty,
                Configfs.Find($"{path}/device_path") is string device && device is not ("" or Unset) ? device : null,
                Configfs.Find($"{path}/enable") == "1")
            : null;
    }

    /// <summary>The hosts that a subsystem allows.</summary>
    public IReadOnlyList<HostNqn> AllowedHosts(Nqn subsystem)
        => [.. Configfs.Objects(Path.Combine(PathOf(subsystem), "allowed_hosts")).Select(n => new HostNqn(n))];

    /// <summary>Whether a host has to prove a key.</summary>
    public bool HasKey(HostNqn host) => HasSecret($"{PathOf(host)}/dhchap_key");

    /// <summary>Whether a host is shown the controller's key in turn.</summary>
    public bool HasControllerKey(HostNqn host) => HasSecret($"{PathOf(host)}/dhchap_ctrl_key");

    internal string PathOf(Nqn subsystem) => Path.Combine(root, "subsystems", $"{subsystem}");

    internal string PathOf(Nqn subsystem, int number) => string.Create(CultureInfo.InvariantCulture, $"{PathOf(subsystem)}/namespaces/{number}");

    internal string PathOf(HostNqn host) => Path.Combine(root, "hosts", $"{host}");

    internal string PathOf(Nqn subsystem, HostNqn allowed) => Path.Combine(PathOf(subsystem), "allowed_hosts", $"{allowed}");

    internal string PathOfPort(int id) => Path.Combine(root, "ports", id.ToString(CultureInfo.InvariantCulture));

    internal string PathOfPort(int id, Nqn served) => Path.Combine(PathOfPort(id), "subsystems", $"{served}");

    /// <summary>The ports that serve a subsystem.</summary>
    internal IReadOnlyList<NvmetPort> PortsOf(Nqn subsystem) => [.. Ports.Where(p => p.Subsystems.Contains($"{subsystem}"))];

    /// <summary>Whether any subsystem allows the host.</summary>
    internal bool IsAllowedAnywhere(HostNqn host) => AllowedBy(host).Count > 0;

    /// <summary>The subsystems that allow the host, also those that are not ours.</summary>
    internal IReadOnlyList<string> AllowedBy(HostNqn host)
        => [.. Configfs.Objects(Path.Combine(root, "subsystems")).Where(s => Path.Exists(Path.Combine(root, "subsystems", s, "allowed_hosts", $"{host}")))];

    /// <summary>The serial number that a subsystem's disks have; null when it is not there.</summary>
    internal string? SerialOf(Nqn subsystem) => Configfs.Find($"{PathOf(subsystem)}/attr_serial");

    /// <summary>Takes an object away, and its mark.</summary>
    internal void Remove(string path)
    {
        RemoveObject(path);
        marks.Forget(path);
    }

    private NvmetPort PortAt(int id)
    {
        string path = PathOfPort(id);
        string Attribute(string name) => Configfs.Find($"{path}/{name}") ?? "";
        string transport = Attribute("addr_trtype");
        PortAddress? address = transport.Length == 0
            ? null
            : transport == "loop" ? new(transport, "", Attribute("addr_traddr"), "") : new(transport, Attribute("addr_adrfam"), Attribute("addr_traddr"), Attribute("addr_trsvcid"));
        return new(id, address, Configfs.Objects($"{path}/subsystems"));
    }

    private static bool HasSecret(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using KeyMaterial key = Configfs.ReadSecret(path, out int length);
        return length > 0;
    }
}
