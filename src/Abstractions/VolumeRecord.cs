namespace EveStorage;

/// <summary>What we know about a volume and its pool can't tell. <see cref="VolumeDocument"/> is how it is written.</summary>
public sealed record VolumeRecord
{
    /// <summary>The volume's id, for life.</summary>
    public required Guid Id { get; init; }

    /// <summary>Who made it, in which operation.</summary>
    public required OwnerMark Mark { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The layers over it, lowest first. It opens with these, never with today's configuration.</summary>
    public IReadOnlyList<LayerRecord> Layers { get; init; } = [];

    /// <summary>Where it is exported.</summary>
    public IReadOnlyList<ExportRecord> Exports { get; init; } = [];

    /// <summary>The operation that changed its exports last; null when none did. It stays, since undoing after a crash asks for it.</summary>
    public Guid? InFlight { get; init; }

    /// <summary>The exports as <see cref="InFlight"/> found them.</summary>
    public IReadOnlyList<ExportRecord> ExportsBefore { get; init; } = [];

    /// <summary>Where it is mounted, of a file system; null when it never was.</summary>
    public MountRecord? Mount { get; init; }
}

/// <summary>The mount of a file system as recorded. A start mounts it so again.</summary>
public sealed record MountRecord
{
    /// <summary>Where, beneath the directory for file systems of the machine that has the pool.</summary>
    public required string At { get; init; }

    /// <summary>Whether nothing can be written.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether it is to be mounted; one that a person unmounted is not, and keeps its place.</summary>
    public bool Wanted { get; init; } = true;

    /// <summary>The operation that changed it last. It stays, since undoing after a crash asks for it.</summary>
    public required Guid ChangedBy { get; init; }

    /// <summary>What <see cref="ChangedBy"/> found; null when that was nothing.</summary>
    public MountRecord? Before { get; init; }
}

/// <summary>A layer as recorded: names, and no keys.</summary>
public sealed record LayerRecord
{
    /// <summary>Its kind.</summary>
    public required string Kind { get; init; }

    /// <summary>The name of its key; null when it has none.</summary>
    public string? Key { get; init; }
}

/// <summary>An export as recorded: names, and no keys. A start exports the volume so again.</summary>
public sealed record ExportRecord
{
    /// <summary>The transport, by its name in the profile.</summary>
    public required string Transport { get; init; }

    /// <summary>The subsystem's name.</summary>
    public required string Subsystem { get; init; }

    /// <summary>The number in the subsystem.</summary>
    public required int NamespaceId { get; init; }

    /// <summary>The NQNs of the hosts it serves, each with the name of its key.</summary>
    public required IReadOnlyDictionary<string, string?> AllowedHosts { get; init; }

    /// <summary>The names of the keys that the controller proves to have in turn, by host.</summary>
    public IReadOnlyDictionary<string, string> ControllerKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether writes are refused.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The most it may do; null for no limit.</summary>
    public ExportLimits? Limits { get; init; }
}
