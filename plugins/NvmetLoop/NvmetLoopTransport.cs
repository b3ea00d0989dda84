using System.Runtime.CompilerServices;
using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Gives volumes to programs of this machine as NVMe devices: the kernel's target and initiator with no network between.</summary>
internal sealed class NvmetLoopTransport : IVolumeTransport
{
    private static readonly string[] s_modules = ["configfs", "nvmet", "nvme-fabrics", "nvme-loop"];

    private readonly NvmetExports _exports;
    private readonly LocalDevices _devices;
    private readonly ConfigfsMarks _marks;
    private readonly LoopHost _host;
    private readonly TimeSpan _wait;
    private readonly string _root;

    internal NvmetLoopTransport(NvmetLoopOptions options, string root = NvmetTree.KernelRoot)
    {
        _root = root;
        _marks = new(options.Marks);
        LoopHost host = new(_marks, options.MaxQueues);
        _exports = new(new()
        {
            Address = PortAddress.Loop,
            IsOwn = LoopSubsystem.Is,
            Root = root,
            Marks = options.Marks,
            Drain = TimeSpan.FromSeconds(options.DrainSeconds),
            Disconnect = (tree, subsystem) => new DisconnectSubsystem(host, tree, subsystem),
        });
        _devices = new(options.Directory);
        _host = host;
        _wait = TimeSpan.FromSeconds(options.WaitSeconds);
    }

    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Path, IsLocal = true };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(_exports.Tree.IsPresent && KernelModule.IsLoaded("nvme_loop") && KernelModule.IsLoaded("nvme_fabrics")
            ? []
            : [.. s_modules.Where(m => !KernelModule.IsThere(m)).Select(m => $"the kernel has no {m}: see docs/kernel.config")]);

    public async ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
    {
        if (volume.Path is not string path)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, "nvmet-loop serves a device or a file, and there is none, as while an image is attached lazily; use nvmet-user");
        }

        if (spec.AllowedHosts.Count > 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"is exported to programs of this machine, which are no hosts: leave {spec.AllowedHosts[0].Host} out, or use nvmet-tcp");
        }

        if (await ProbeAsync(cancellationToken) is [_, ..] missing)
        {
            throw new StorageException(StorageErrorKind.Unavailable, spec.Subject, string.Join("; ", missing));
        }

        Nqn subsystem = InKernel(spec);
        ExportSpec local = spec with { Subsystem = subsystem, AllowedHosts = [new(LoopHost.Name, Key: null)] };
        NvmetNamespace served = new(subsystem, spec.NamespaceId, spec.VolumeId, path, Enabled: true);
        Plan serve = await _exports.PlanExportAsync(local, path, cancellationToken);
        Plan check = _exports.Find(spec.VolumeId) is NvmetNamespace now && now != served ? Plan.Of(new RequireUnused(now)) : Plan.Of();   // its device goes and comes again
        return check.Then(serve).Then(Plan.Of(
            new ConnectSubsystem(_host, subsystem, Path.Combine(_root, "subsystems", $"{subsystem}")),
            new LinkDevice(_devices, _marks, served, _devices.LinkOf(spec), _wait)));
    }

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken)
    {
        // The device goes when its namespace does; the connection only after the last one, and before its subsystem.
        NvmetNamespace? served = _exports.Find(volumeId);
        List<StorageStep> steps = served is null ? [] : [new RequireUnused(served)];
        if (FindLink(volumeId, served) is string link)
        {
            steps.Add(new UnlinkDevice(_devices, _marks, volumeId, served, link, _wait));
        }

        steps.AddRange(_exports.PlanUnexport(volumeId).Steps);
        return new(new Plan(steps));
    }

    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken) => new(_exports.PlanResize(volumeId));

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (NvmetNamespace served in _exports.Served)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (FabricsHost.FindDevice(served.Subsystem, served.Id) is not string device)
            {
                continue;   // served, and not connected: an operation is at it, or a crash was
            }

            string path = FindLink(served.Id, served) is string link && new FileInfo(link).LinkTarget == device ? link : device;
            yield return new()
            {
                VolumeId = served.Id,
                Subsystem = LoopSubsystem.OfExport(served.Subsystem),
                NamespaceId = served.Number,
                Address = new($"file://{path}"),
                AllowedHosts = [],
                Lines = new Dictionary<string, string>
                {
                    ["qemu"] = $"{BlockDeviceLine(path, served.Id)} -device virtio-blk-pci,drive={NodeOf(served.Id)},serial={served.Id.ToString("N")[..20]}",
                    ["qemu nvme"] = $"{BlockDeviceLine(path, served.Id)} -device nvme,drive={NodeOf(served.Id)},serial={served.Id.ToString("N")[..20]}",
                },
            };
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;   // what the kernel serves goes on

    // A host of ours before this one kept no links by their volumes.
    private string? FindLink(Guid volume, NvmetNamespace? served)
        => _devices.FindLink(volume) ?? (served is not null && FabricsHost.FindDevice(served.Subsystem, served.Id) is string device ? _devices.LinkTo(device) : null);

    // QEMU's node names have at most 31 characters.
    private static string NodeOf(Guid id) => $"volume-{id.ToString("N")[..20]}";

    private static string BlockDeviceLine(string path, Guid id)
        => $"-blockdev driver=host_device,node-name={NodeOf(id)},filename={path},cache.direct=on,aio=io_uring,discard=unmap";

    private static Nqn InKernel(ExportSpec spec)
    {
        try
        {
            return LoopSubsystem.InKernel(spec.Subsystem);
        }
        catch (ArgumentException e)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"{spec.Subsystem} is too long a name for nvmet-loop, which adds {LoopSubsystem.Suffix} to it", e);
        }
    }
}
