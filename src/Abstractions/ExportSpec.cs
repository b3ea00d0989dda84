namespace EveStorage;

/// <summary>A host that may connect.</summary>
/// <param name="Host">Its name.</param>
/// <param name="Key">The key it proves to have; null when it need not.</param>
public sealed record AllowedHost(HostNqn Host, KeyName? Key);

/// <summary>An export as asked for: one volume as one namespace, for these hosts and no others.</summary>
public sealed record ExportSpec
{
    /// <summary>The volume's id: NGUID, UUID and serial number come from it, and the export is known by it.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The volume as a person types it, for messages: <c>data/vm42</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The subsystem it is a namespace of. Several volumes may share one; a host sees those that allow it.</summary>
    public required Nqn Subsystem { get; init; }

    /// <summary>Its number in the subsystem, from 1.</summary>
    public int NamespaceId { get; init; } = 1;

    /// <summary>Who may connect; nobody when empty.</summary>
    public required IReadOnlyList<AllowedHost> AllowedHosts { get; init; }

    /// <summary>Whether writes are refused.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>A volume as exported.</summary>
public sealed record ExportInfo
{
    /// <summary>The volume.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The subsystem's name.</summary>
    public required Nqn Subsystem { get; init; }

    /// <summary>The number in the subsystem.</summary>
    public required int NamespaceId { get; init; }

    /// <summary>Where a host connects: <c>tcp://127.0.0.1:4420</c>, or the local device for loop.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who may connect.</summary>
    public required IReadOnlyList<HostNqn> AllowedHosts { get; init; }

    /// <summary>Who is connected now; empty also where the transport can't tell.</summary>
    public IReadOnlyList<HostNqn> ConnectedHosts { get; init; } = [];

    /// <summary>Whether writes are refused, as asked or after a failed sync.</summary>
    public bool ReadOnly { get; init; }
}
