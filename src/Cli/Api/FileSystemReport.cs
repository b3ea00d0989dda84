namespace EveStorage.Cli.Api;

/// <summary>A file system.</summary>
internal sealed record FileSystemReport
{
    /// <summary>Its pool.</summary>
    public required PoolName Pool { get; init; }

    /// <summary>Its name.</summary>
    public required VolumeName Name { get; init; }

    /// <summary>Its id, for life.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its kind: <c>ext4</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The most that it holds, with its own tables.</summary>
    public required ByteSize Quota { get; init; }

    /// <summary>Whether its pool keeps all of that free for it.</summary>
    public required bool Reserved { get; init; }

    /// <summary>How much of it its pool keeps free for it; null where its backend does not count it.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>What it takes of its pool now.</summary>
    public required ByteSize Allocated { get; init; }

    /// <summary>Where it is to be mounted; null when it has no place yet, as a clone.</summary>
    public string? MountPoint { get; init; }

    /// <summary>The same as it is on record, beneath the directory for file systems; null when it has no place yet.</summary>
    public string? At { get; init; }

    /// <summary>Whether it is to be mounted, now and at each start.</summary>
    public bool Wanted { get; init; }

    /// <summary>Whether it is.</summary>
    public required bool Mounted { get; init; }

    /// <summary>Whether nothing can be written: as it is mounted, which an error of its device may bring about; else as it is to be.</summary>
    public required bool ReadOnly { get; init; }

    /// <summary>What its files, and its own tables, take; null while it is not mounted.</summary>
    public ByteSize? Used { get; init; }

    /// <summary>What can still be written; null while it is not mounted.</summary>
    public ByteSize? Free { get; init; }

    /// <summary>How many files and directories it has; null while it is not mounted, or where it has no count of them.</summary>
    public long? Files { get; init; }

    /// <summary>How many more it can have.</summary>
    public long? FreeFiles { get; init; }

    /// <summary>What it has.</summary>
    public required VolumeTraits Traits { get; init; }

    /// <summary>Its layers, lowest first, itself last.</summary>
    public required IReadOnlyList<string> Layers { get; init; }

    /// <summary>Its snapshots, oldest first.</summary>
    public IReadOnlyList<SnapshotReport> Snapshots { get; init; } = [];
}
