namespace EveStorage;

/// <summary>What a transport takes to serve a volume.</summary>
[Flags]
public enum AccessKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A block device: <see cref="VolumeAccess.Path"/>.</summary>
    Path = 1,

    /// <summary>An object: <see cref="VolumeAccess.OpenBlocksAsync"/>.</summary>
    Blocks = 2,
}

/// <summary>Serves block volumes to guests. Constructing one opens nothing; the first export does.</summary>
public interface IVolumeTransport : IAsyncDisposable
{
    /// <summary>What it can serve.</summary>
    AccessKinds Serves { get; }

    /// <summary>Whether its exports end with the host's process, so that a daemon has to run. The kernel's go on without us.</summary>
    bool EndsWithHost { get; }

    /// <summary>
    /// Whether it serves only programs of this machine, which have no name as hosts: then an export names none, and reaches
    /// nobody else.
    /// </summary>
    bool IsLocal { get; }

    /// <summary>Everything missing on this machine; empty when usable. It only looks.</summary>
    ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Plans exporting a volume. One that is exported as asked is already so; other hosts or another number are a change of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it can't serve that access, or a host needs a key
    /// and it knows none. <see cref="StorageErrorKind.Conflict"/>: the subsystem or the number is someone else's.</exception>
    ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken);

    /// <summary>Plans ending the export of a volume. What is not exported is already so.</summary>
    ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken);

    /// <summary>Plans telling the connected hosts that a volume has grown. A volume that is not exported is already so.</summary>
    ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken);

    /// <summary>What of ours is exported now, as the kernel or the target has it.</summary>
    IAsyncEnumerable<ExportInfo> ListExportsAsync(CancellationToken cancellationToken);
}
