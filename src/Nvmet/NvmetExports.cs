using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// Exports as steps on the kernel's tree: the difference between what is wanted and what is there, and only where it is ours.
/// Planning reads and opens nothing for writing.
/// </summary>
public sealed class NvmetExports(NvmetTarget target)
{
    private const int MaxNamespaces = 1024;   // NVMET_MAX_NAMESPACES

    /// <summary>What is there.</summary>
    public NvmetTree Tree { get; } = new(target.Root, new ConfigfsMarks(target.Marks));

    /// <summary>The namespaces that are served at this transport's address.</summary>
    public IReadOnlyList<NvmetNamespace> Served
        => [.. OwnPorts.SelectMany(p => p.Subsystems).Where(IsOwn).Select(n => new Nqn(n)).Distinct().SelectMany(Tree.NamespacesOf).Where(n => n.Enabled)];

    private NamespaceTree Namespaces => new(Tree, target.Drain);

    private IEnumerable<NvmetPort> OwnPorts => Tree.Ports.Where(p => p.IsOurs && p.Address == target.Address);

    /// <summary>Plans serving the volume at <paramref name="path"/> as <paramref name="spec"/> says.</summary>
    /// <exception cref="StorageException">It can't be, and nothing was touched.</exception>
    public async Task<Plan> PlanExportAsync(ExportSpec spec, string path, CancellationToken cancellationToken)
    {
        RequirePossible(spec);
        NvmetNamespace wanted = new(spec.Subsystem, spec.NamespaceId, spec.VolumeId, path, Enabled: true);
        NvmetNamespace? now = Find(spec.VolumeId);
        RequireAlone(spec);
        List<StorageStep> steps = [new LoadTarget(Tree, Path.GetDirectoryName(target.Root)!).Look()];
        if (now is not null && now with { Enabled = true } != wanted)
        {
            steps.AddRange(now.Subsystem == wanted.Subsystem ? [End(now)] : EndSteps(now));
        }

        steps.Add(new MakeSubsystem(Tree, spec.Subsystem, spec.VolumeId.ToString("N")[..20], target.MaxQueues).Look());
        foreach (AllowedHost host in spec.AllowedHosts)
        {
            steps.Add(await new MakeHost(Tree, host, target.Secrets, target.Authentication).LookAsync(cancellationToken));
            steps.Add(new AllowHost(Tree, spec.Subsystem, host.Host).Look());
        }

        int port = ChoosePort();
        steps.Add(new ServeNamespace(Tree, Namespaces, wanted, spec.Subject).Look());
        steps.Add(new MakePort(Tree, port, target.Address, target.PortParameters).Look());
        steps.Add(new ServeOnPort(Tree, port, target.Address, spec.Subsystem).Look());
        HostNqn[] gone = [.. Tree.AllowedHosts(spec.Subsystem).Except(spec.AllowedHosts.Select(h => h.Host))];
        if (gone.Length > 0)
        {
            steps.Add(new DisallowHosts(Tree, spec.Subsystem, gone).Look());
            steps.Add(new ForgetHosts(Tree, gone));
        }

        return new(steps);
    }

    /// <summary>Plans ending the export of a volume: its subsystem, its hosts and the port go with the last one.</summary>
    public Plan PlanUnexport(Guid volumeId) => new(Find(volumeId) is NvmetNamespace now ? EndSteps(now) : []);

    /// <summary>Plans telling hosts that a volume has grown.</summary>
    public Plan PlanResize(Guid volumeId) => new(Find(volumeId) is NvmetNamespace now ? [new AnnounceSize(Tree, now).Look()] : []);

    /// <summary>The namespace of a volume in this transport's subsystems, also one that an operation has not finished.</summary>
    public NvmetNamespace? Find(Guid volumeId)
        => Tree.OwnSubsystems.Where(s => target.IsOwn(s)).SelectMany(Tree.NamespacesOf).FirstOrDefault(n => n.Id == volumeId && ServedElsewhere(n.Subsystem) is null);

    private NvmetStep End(NvmetNamespace now) => new EndNamespace(Tree, Namespaces, now).Look();

    private List<StorageStep> EndSteps(NvmetNamespace now)
    {
        List<StorageStep> steps = [End(now)];
        if (Tree.NamespacesOf(now.Subsystem).Any(n => n.Number != now.Number))
        {
            return steps;
        }

        IReadOnlyList<NvmetPort> ports = Tree.PortsOf(now.Subsystem);
        steps.AddRange(ports.Select(p => new StopServing(Tree, p, now.Subsystem)));
        steps.Add(new RemoveSubsystem(Tree, now.Subsystem));
        steps.AddRange(ports.Where(p => p.IsOurs && p.Subsystems.Count == 1).Select(p => new RemovePort(Tree, p)));
        if (Tree.AllowedHosts(now.Subsystem) is { Count: > 0 } hosts)
        {
            steps.Add(new ForgetHosts(Tree, hosts));
        }

        return steps;
    }

    private void RequirePossible(ExportSpec spec)
    {
        string? cant = spec switch
        {
            { ReadOnly: true } => "can't be read-only: nvmet has no read-only namespaces; use nvmet-user for it",
            { Limits: not null } => "can't be limited: nvmet has no limits, and its I/O belongs to no cgroup; use nvmet-user for it",
            _ when spec.AllowedHosts.FirstOrDefault(h => h.Key is not null) is AllowedHost host && !target.Authenticates()
                => $"has a host {host.Host} that has to prove key {host.Key}, and this kernel can't ask for it (CONFIG_NVME_TARGET_AUTH)",
            _ => null,
        };
        if (cant is not null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, cant);
        }

        if (!spec.Subsystem.IsOurs || !target.IsOwn(spec.Subsystem))
        {
            throw new StorageException(StorageErrorKind.Conflict, spec.Subject, $"{spec.Subsystem} is no name for a subsystem of this transport: names begin with {Nqn.OwnPrefix}");
        }

        if (spec.NamespaceId is < 1 or > MaxNamespaces)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"number {spec.NamespaceId} is not from 1 to {MaxNamespaces}");
        }
    }

    // The kernel has one list of hosts a subsystem, and each of them sees all of it.
    private void RequireAlone(ExportSpec spec)
    {
        if (ServedElsewhere(spec.Subsystem) is NvmetPort other)
        {
            throw new StorageException(StorageErrorKind.Conflict, spec.Subject, $"{spec.Subsystem} is served at {other.Address}, not {target.Address}: end its exports there, or take another subsystem");
        }

        IReadOnlyList<HostNqn> allowed = Tree.AllowedHosts(spec.Subsystem);
        bool shared = Tree.NamespacesOf(spec.Subsystem).Any(n => n.Id != spec.VolumeId && n.Number != spec.NamespaceId);
        if (shared && !allowed.ToHashSet().SetEquals(spec.AllowedHosts.Select(h => h.Host)))
        {
            throw new StorageException(
                StorageErrorKind.NotSupported,
                spec.Subject,
                $"would be seen by other hosts: nvmet shows each host of {spec.Subsystem} all its volumes, and those are for {(allowed.Count == 0 ? "nobody" : string.Join(", ", allowed))}; name the same hosts, or another subsystem");
        }
    }

    private NvmetPort? ServedElsewhere(Nqn subsystem) => Tree.PortsOf(subsystem).FirstOrDefault(p => p.Address != target.Address);

    private int ChoosePort()
    {
        IReadOnlyList<NvmetPort> ports = Tree.Ports;
        if (ports.FirstOrDefault(p => !p.IsOurs && p.Address == target.Address) is NvmetPort foreign)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{target.Address}", $"is port {foreign.Id}, which is not ours: configure another address");
        }

        return ports.FirstOrDefault(p => p.IsOurs && p.Address == target.Address)?.Id
            ?? Enumerable.Range(NvmetPort.OwnIds.Start.Value, NvmetPort.OwnIds.End.Value - NvmetPort.OwnIds.Start.Value)
                .First(id => ports.All(p => p.Id != id || (p.Address is null && p.Subsystems.Count == 0)));
    }

    private bool IsOwn(string name) => name.StartsWith(Nqn.OwnPrefix, StringComparison.Ordinal) && target.IsOwn(new Nqn(name));
}
