namespace EveStorage.Cli.Api;

/// <summary>Makes a file system, and mounts it.</summary>
internal sealed record CreateFileSystem : VolumeChange
{
    /// <summary>Its size, which is its quota.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Its kind; null for the pool's own, and the first of its layers where it makes none.</summary>
    public string? Kind { get; init; }

    /// <summary>Where it is mounted, beneath the directory for file systems; null for its name.</summary>
    public string? At { get; init; }

    /// <summary>Whether its pool keeps all of its size free for it.</summary>
    public bool Reserved { get; init; }

    /// <summary>What else it must have.</summary>
    public VolumeTraits Traits { get; init; }
}

/// <summary>Has a file system mounted, now and at each start.</summary>
internal sealed record MountFileSystem : VolumeChange
{
    /// <summary>Where; null for where it was, or its name.</summary>
    public string? At { get; init; }

    /// <summary>Whether nothing can be written; null for as it was.</summary>
    public bool? ReadOnly { get; init; }
}

/// <summary>Has a file system mounted no more. It keeps its place.</summary>
internal sealed record UnmountFileSystem : VolumeChange;

/// <summary>Changes how a file system is mounted, or what is kept free for it. One that is not mounted stays so.</summary>
internal sealed record SetFileSystem : VolumeChange
{
    /// <summary>What its pool keeps free for it, 0 for nothing; null for no change. Of a file system that the pool makes by itself.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>Where; null for no change.</summary>
    public string? At { get; init; }

    /// <summary>Whether nothing can be written; null for no change.</summary>
    public bool? ReadOnly { get; init; }
}
