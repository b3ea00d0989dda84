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

/// <summary>What a transport says of itself, on whatever machine it is: the host decides by it before anything is probed.</summary>
public sealed record TransportCapabilities
{
    /// <summary>What it can serve.</summary>
    public required AccessKinds Serves { get; init; }

    /// <summary>Whether its exports end with the host's process, so that a daemon has to run. The kernel's go on without us.</summary>
    public bool EndsWithHost { get; init; }

    /// <summary>
    /// Whether it serves only programs of this machine, which have no name as hosts: then an export names none, and reaches
    /// nobody else.
    /// </summary>
    public bool IsLocal { get; init; }
}
