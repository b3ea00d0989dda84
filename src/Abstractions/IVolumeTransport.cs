namespace EveStorage;

/// <summary>
/// Serves block volumes to guests. Constructing one opens nothing; the first export does. Safe for many calls at once. Who may connect to one that
/// others than this machine reach is known by an NVMe name: a transport with another kind of names, such as iSCSI's, needs an interface of its own.
/// </summary>
public interface IVolumeTransport : IAsyncDisposable
{
    /// <summary>What it says of itself: the same at all times.</summary>
    TransportCapabilities Capabilities { get; }

    /// <summary>Everything missing on this machine; empty when usable. It only looks.</summary>
    ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Plans exporting a volume. One that is exported as asked is already so; other hosts or another number are a change of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it can't serve that access, refuse writes, keep such
    /// a limit or hide it from the other hosts of the subsystem, or a host needs a key and it knows none. <see cref="StorageErrorKind.Conflict"/>: the subsystem or the number is someone else's.
    /// <see cref="StorageErrorKind.InvalidConfiguration"/>: such hosts, keys or number can't be. <see cref="StorageErrorKind.NotFound"/>: there is no such key.
    /// <see cref="StorageErrorKind.Busy"/>: another program has the port.
    /// <see cref="StorageErrorKind.Unavailable"/>: the machine lacks what <see cref="ProbeAsync"/> tells.</exception>
    ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken);

    /// <summary>Plans ending the export of a volume, for hosts that are connected too: they are told. What is not exported is already so.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: a host that can't be told still uses it.</exception>
    ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken);

    /// <summary>Plans telling the connected hosts that a volume has grown. A volume that is not exported is already so.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: hosts that are connected can't be told.</exception>
    ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken);

    /// <summary>What of ours is exported now, as the kernel or the target has it.</summary>
    IAsyncEnumerable<ExportInfo> ListExportsAsync(CancellationToken cancellationToken);
}
