using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// Exports as steps on the kernel's tree: the difference between what is wanted and what is there, and only where it is ours.
/// Planning reads and opens nothing for writing.
/// </summary>
public sealed class NvmetExports(NvmetTarget target)
{
    private const int MaxNamespaces = 1024;   // NVMET_MAX_NAMESPACES

    private readonly LeavingNotes _notes = new(target.Marks, target.Address);

    /// <summary>What is there.</summary>
    public NvmetTree Tree { get; } = new(target.Root, new ConfigfsMarks(target.Marks)) { RemoveObject = target.RemoveObject };

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
        steps.AddRange(LeftSteps(spec.VolumeId, now?.Subsystem, spec.Subsystem));
        if (now is not null && now with { Enabled = true } != wanted)
        {
            steps.AddRange(now.Subsystem == wanted.Subsystem ? [End(now)] : EndSteps(now));
        }

        Nqn[] ending = [.. steps.OfType<RemoveSubsystem>().Select(step => step.Subsystem)];
        steps.Add(new MakeSubsystem(Tree, spec.Subsystem, SerialOf(spec.VolumeId), target.MaxQueues).Look());
        steps.AddRange(DisallowSteps(spec));   // before the volume is there for them to see
        foreach (AllowedHost host in spec.AllowedHosts)
        {
            steps.Add(await new MakeHost(Tree, spec.Subsystem, host, target.Secrets, target.Authentication).LookAsync(ending, cancellationToken));
            steps.Add(new AllowHost(Tree, spec.Subsystem, host.Host).Look());
        }

        int port = ChoosePort();
        steps.Add(new ServeNamespace(Tree, Namespaces, wanted, spec.Subject).Look());
        steps.Add(new MakePort(Tree, port, target.Address, target.PortParameters).Look());
        steps.Add(new ServeOnPort(Tree, port, target.Address, spec.Subsystem).Look());
        return new(steps);
    }

    /// <summary>
    /// Plans ending the export of a volume: its subsystem, its hosts and the port go with the last one. What an earlier end left
    /// that a crash cut short goes, too.
    /// </summary>
    public Plan PlanUnexport(Guid volumeId)
    {
        NvmetNamespace? now = Find(volumeId);
        return new([.. LeftSteps(volumeId, now?.Subsystem), .. now is null ? [] : EndSteps(now)]);
    }

    /// <summary>Plans telling hosts that a volume has grown.</summary>
    public Plan PlanResize(Guid volumeId) => new(Find(volumeId) is NvmetNamespace now ? [new AnnounceSize(Tree, now).Look()] : []);

    /// <summary>The namespace of a volume in this transport's subsystems, also one that an operation has not finished.</summary>
    public NvmetNamespace? Find(Guid volumeId)
        => Tree.OwnSubsystems.Where(s => target.IsOwn(s)).SelectMany(Tree.NamespacesOf).FirstOrDefault(n => n.Id == volumeId && ServedElsewhere(n.Subsystem) is null);

    private NvmetStep End(NvmetNamespace now) => new EndNamespace(Tree, Namespaces, now).Look();

    private List<StorageStep> EndSteps(NvmetNamespace now)
        => Tree.NamespacesOf(now.Subsystem).Any(n => n.Number != now.Number)
            ? [End(now)]
            : LeaveSteps(now.Id, new(now.Subsystem, [.. HostsAt(now.Subsystem, now.Id)]), [End(now), .. RemovalOf(now.Subsystem)]);

    // Only a subsystem with one volume has a list of hosts that changes: RequireAlone.
    private List<StorageStep> DisallowSteps(ExportSpec spec)
    {
        HostNqn[] gone = [.. HostsAt(spec.Subsystem, spec.VolumeId).Except(spec.AllowedHosts.Select(h => h.Host))];
        return gone.Length > 0 || _notes.Find(spec.VolumeId)?.Subsystem == spec.Subsystem
            ? LeaveSteps(spec.VolumeId, new(spec.Subsystem, gone), gone.Length > 0 ? [new DisallowHosts(Tree, spec.Subsystem, gone).Look()] : [])
            : [];
    }

    // What is left of an end that was cut short, but where the volume is, or is to be.
    private List<StorageStep> LeftSteps(Guid volume, params Nqn?[] kept)
        => FindLeft(volume) is Leaving left && !kept.Contains(left.Subsystem)
            ? LeaveSteps(volume, left, Tree.NamespacesOf(left.Subsystem).Count == 0 ? RemovalOf(left.Subsystem) : [])
            : [];

    private List<StorageStep> LeaveSteps(Guid volume, Leaving leaving, IEnumerable<StorageStep> steps)
    {
        List<StorageStep> all = [new NoteLeaving(Tree, _notes, volume, leaving).Look(), .. steps];
        if (leaving.Hosts.Count > 0)
        {
            all.Add(new ForgetHosts(Tree, leaving.Hosts));
        }

        all.Add(new EndLeaving(Tree, _notes, volume, leaving));
        return all;
    }

    private List<StorageStep> RemovalOf(Nqn subsystem)
    {
        List<StorageStep> steps = target.Disconnect is null ? [] : [target.Disconnect(Tree, subsystem)];
        steps.AddRange(Tree.PortsOf(subsystem).Select(p => new StopServing(Tree, p, subsystem)));
        steps.Add(new RemoveSubsystem(Tree, subsystem));
        steps.AddRange(OwnPorts.Where(p => p.Subsystems.All(served => served == $"{subsystem}")).Select(p => new RemovePort(Tree, p)));
        return steps;
    }

    // By its note; without one, a subsystem that was made for the volume and has none is of somebody who took it out by hand.
    private Leaving? FindLeft(Guid volume)
        => _notes.Find(volume)
            ?? Tree.OwnSubsystems.Where(s => target.IsOwn(s) && Tree.SerialOf(s) == SerialOf(volume) && Tree.NamespacesOf(s).Count == 0 && ServedElsewhere(s) is null)
                .Select(s => new Leaving(s, Tree.AllowedHosts(s))).FirstOrDefault();

    // Those that may use it, and those that a cut-short end has already taken off its list.
    private IEnumerable<HostNqn> HostsAt(Nqn subsystem, Guid volume)
        => Tree.AllowedHosts(subsystem).Union(_notes.Find(volume) is Leaving left && left.Subsystem == subsystem ? left.Hosts : []);

    private static string SerialOf(Guid volume) => volume.ToString("N")[..20];

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
