using System.Runtime.CompilerServices;
using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Gives volumes to QEMU's guests as SCSI disks, from the kernel: LIO and vhost-scsi, which stock EVE has.</summary>
internal sealed class VhostScsiTransport : IVolumeTransport
{
    private const int MaxLun = 255;   // what the guest's virtio-scsi driver looks at

    private readonly VhostScsiOptions _options;
    private readonly TargetTree _tree;
    private readonly string[] _modules;

    internal VhostScsiTransport(VhostScsiOptions options, string root = TargetTree.KernelRoot)
    {
        _options = options;
        _tree = new(root, options.Fabric, new ConfigfsMarks(options.Marks));
        _modules = ["configfs", "target_core_mod", "target_core_iblock", options.Fabric == "loopback" ? "tcm_loop" : "vhost_scsi"];
    }

    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Path, IsLocal = true };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(_tree.IsPresent
            ? []
            : [.. _modules.Where(m => !KernelModule.IsThere(m)).Select(m => $"the kernel has no {m}: see docs/kernel.config")]);

    public ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
    {
        string device = Require(spec, volume);
        int lun = spec.NamespaceId - 1;
        string wwn = Wwn.Of(spec.Subsystem);
        List<StorageStep> steps = [new LoadTarget(_tree, _modules).Look()];
        if (_tree.Find(spec.VolumeId) is Backstore now
            && (now.DevicePath != device || now.ReadOnly != spec.ReadOnly || now.Subsystem != spec.Subsystem || (now.Lun is int number && number != lun)))
        {
            steps.AddRange(EndSteps(now));
        }

        TargetStep link = new LinkLun(_tree, wwn, lun, spec.VolumeId, spec.Subject).Look();
        steps.AddRange([new MakeBackstore(_tree, spec.VolumeId, spec.Subsystem, device, spec.ReadOnly).Look(), new MakeController(_tree, wwn).Look(), link]);
        return new(new Plan(steps));
    }

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken)
        => new(new Plan(_tree.Find(volumeId) is Backstore now ? EndSteps(now) : []));

    // LIO asks the device for its size at each command; only the guest has to look again.
    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken) => new(Plan.Of());

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Backstore served in _tree.Backstores)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (served is not { Subsystem: Nqn subsystem, Lun: int lun, Enabled: true })
            {
                continue;   // an operation is at it, or a crash was
            }

            string wwn = Wwn.Of(subsystem);
            yield return new()
            {
                VolumeId = served.VolumeId,
                Subsystem = subsystem,
                NamespaceId = lun + 1,
                Address = new(LoopbackDisk.Find(_tree, wwn, lun) is string disk ? $"file://{disk}" : $"{_options.Fabric}:{wwn}/{lun}"),
                AllowedHosts = [],
                ReadOnly = served.ReadOnly,
                Lines = _tree.IsLoopback
                    ? new Dictionary<string, string>()
                    : new Dictionary<string, string> { ["qemu"] = $"-device vhost-scsi-pci,wwpn={wwn},max_sectors=16384,num_queues={_options.Queues}" },
            };
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;   // what the kernel serves goes on

    private List<StorageStep> EndSteps(Backstore now)
    {
        List<StorageStep> steps = [];
        if (now.Subsystem is Nqn subsystem)
        {
            string wwn = Wwn.Of(subsystem);
            RemoveController remove = new(_tree, wwn);
            steps.AddRange(now.Lun is null ? [remove.Look()] : [new UnlinkLun(_tree, wwn, now).Look(), _tree.LunsOf(wwn).Count == 1 ? remove : remove.Look()]);
        }

        steps.Add(new RemoveBackstore(_tree, now).Look());
        return steps;
    }

    private static string Require(ExportSpec spec, VolumeAccess volume)
    {
        if (volume.Path is not string path)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, "vhost-scsi serves a block device, and there is none, as while an image is attached lazily; use nvmet-user");
        }

        if (spec.AllowedHosts.Count > 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"is exported to guests of this machine, which are no hosts: leave {spec.AllowedHosts[0].Host} out");
        }

        if (spec.Limits is not null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, "can't be limited: LIO has no limits, and QEMU is not in its path; use nvmet-user for it");
        }

        if (!spec.Subsystem.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, spec.Subject, $"{spec.Subsystem} is no name of ours: names begin with {Nqn.OwnPrefix}");
        }

        if (spec.NamespaceId is < 1 or > MaxLun + 1)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"number {spec.NamespaceId} is not from 1 to {MaxLun + 1}");
        }

        return File.Exists(path) && !path.StartsWith("/dev/", StringComparison.Ordinal)
            ? throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, $"is the file {path}, and vhost-scsi serves block devices; use nvmet-loop or nvmet-user")
            : path;
    }
}
