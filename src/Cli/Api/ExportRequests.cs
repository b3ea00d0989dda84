namespace EveStorage.Cli.Api;

/// <summary>
/// Exports a volume. Where it is exported by that transport already, the hosts get access beside those that have it, what is left out stays as
/// it is, and what is asked for otherwise than it is there is refused.
/// </summary>
internal sealed record AddExport : VolumeChange
{
    /// <summary>The transport by its name in the profile; null for the only one.</summary>
    public string? Transport { get; init; }

    /// <summary>The hosts that may connect, each with the name of its key.</summary>
    public IReadOnlyDictionary<string, string?>? AllowedHosts { get; init; }

    /// <summary>
    /// Whether an export that is there becomes just this one: where hosts are named, who is not loses it. What is null stays as it is, a key of
    /// a host too; an empty name takes a key away, and 0 a limit.
    /// </summary>
    public bool Exactly { get; init; }

    /// <summary>The subsystem; null for one of the volume's own.</summary>
    public string? Subsystem { get; init; }

    /// <summary>The number in the subsystem; null for the next free one.</summary>
    public int? NamespaceId { get; init; }

    /// <summary>Whether writes are refused; null for as it is, and of a new one for no.</summary>
    public bool? ReadOnly { get; init; }

    /// <summary>The names of the keys that the controller proves to have in turn, by host.</summary>
    public IReadOnlyDictionary<string, string> ControllerKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>The most it may do; null for no limit.</summary>
    public ExportLimits? Limits { get; init; }
}

/// <summary>Changes an export in place. What is null stays as it is.</summary>
internal sealed record SetExport : VolumeChange
{
    /// <summary>The transport by its name in the profile; null for the only one that exports it.</summary>
    public string? Transport { get; init; }

    /// <summary>All hosts that may connect from now on, each with the name of its key; who is not named loses it.</summary>
    public IReadOnlyDictionary<string, string?>? AllowedHosts { get; init; }

    /// <summary>The names of the keys that the controller proves to have in turn, by host. They go with <see cref="AllowedHosts"/>.</summary>
    public IReadOnlyDictionary<string, string> ControllerKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether writes are refused.</summary>
    public bool? ReadOnly { get; init; }

    /// <summary>The most it may do; 0 takes a limit away.</summary>
    public ExportLimits? Limits { get; init; }
}

/// <summary>Ends the export of a volume, or takes hosts away from it.</summary>
internal sealed record RemoveExport : VolumeChange
{
    /// <summary>The transport by its name in the profile; null for every one that exports it.</summary>
    public string? Transport { get; init; }

    /// <summary>The hosts that lose it; empty for all, and so for its end.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];
}
