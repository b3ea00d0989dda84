using System.Net;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>Serves volumes over NVMe/TCP from this process, on a machine whose kernel can't.</summary>
internal sealed class NvmetUserTransport : IVolumeTransport
{
    private readonly Target _target;
    private readonly TargetChanges _changes;

    internal NvmetUserTransport(NvmetUserOptions options, PluginServices services)
    {
        _target = new(options, services);
        _changes = new(_target);
    }

    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Blocks, EndsWithHost = true };

    /// <summary>For tests: what is behind it.</summary>
    internal Target Target => _target;

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);   // sockets are all it takes

    public async ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
    {
        if (volume.OpenBlocksAsync is null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, "nvmet-user serves blocks that it opens itself, and its pool gives only a path");
        }

        if (spec.AllowedHosts.FirstOrDefault(h => h.Key is null && h.ControllerKey is not null) is AllowedHost oneSided)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"{oneSided.Host} has a controller key and no key of its own; give it one");
        }

        if (_target.Options.RequireAuthentication && spec.AllowedHosts.FirstOrDefault(h => h.Key is null) is AllowedHost unproven)
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, spec.Subject, $"{unproven.Host} has no key, and {nameof(NvmetUserOptions.RequireAuthentication)} is set; allow it with one");
        }

        if (spec.NamespaceId is < 1 or > Limits.MaxNamespaces)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Subject, $"number {spec.NamespaceId} is not from 1 to {Limits.MaxNamespaces}");
        }

        if ($"{spec.Subsystem}" == DiscoveryEntry.DiscoverySubsystem)
        {
            throw new StorageException(StorageErrorKind.Conflict, spec.Subject, $"{spec.Subsystem} is the discovery subsystem; take another name");
        }

        _target.Exports.RequireFree(spec);
        _target.Exports.RequireSameKeys(spec);
        using HostSecrets secrets = await HostSecrets.LoadAsync(spec, _target.Keys, cancellationToken);   // they are there, and fit
        return Plan.Of(new ExportVolume(_changes, spec, volume));
    }

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken) => new(Plan.Of(new EndExport(_changes, volumeId)));

    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken) => new(Plan.Of(new AnnounceSize(_changes, volumeId)));

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Export export in _target.Exports.All.OrderBy(e => e.Subsystem, StringComparer.Ordinal).ThenBy(e => e.NamespaceId))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return InfoOf(export);
        }

        await ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _target.DisposeAsync();
        _changes.Dispose();
    }

    private ExportInfo InfoOf(Export export)
    {
        IPEndPoint address = _target.Address ?? throw new InvalidOperationException("An export is there that nobody listens for.");
        return new()
        {
            VolumeId = export.Spec.VolumeId,
            Subsystem = export.Spec.Subsystem,
            NamespaceId = export.Spec.NamespaceId,
            Address = new($"tcp://{address}"),
            AllowedHosts = [.. export.Spec.AllowedHosts.Select(h => h.Host)],
            ConnectedHosts = _target.HostsOf(export),
            ReadOnly = export.Volume.ReadOnly,
            Traffic = export.Volume.Traffic.Sum(),
            Lines = ConnectLines.Of(
                address, export.Spec.Subsystem, [.. export.Spec.AllowedHosts.Select(h => new ConnectingHost(h.Host, h.Key is not null, h.ControllerKey is not null))]),
        };
    }
}
