namespace EveStorage;

/// <summary>What a volume is handed out as. It is fixed when the volume is made.</summary>
public enum VolumeForm
{
    /// <summary>A block device: a mutable disk for a virtual machine.</summary>
    Block,

    /// <summary>A mounted directory: state of a system service, or a mutable layer of a container.</summary>
    FileSystem,
}

/// <summary>A volume as asked for.</summary>
public sealed record VolumeSpec
{
    /// <summary>Its name, unique in the pool.</summary>
    public required VolumeName Name { get; init; }

    /// <summary>What to hand out.</summary>
    public required VolumeForm Form { get; init; }

    /// <summary>The size of the device, or of the file system where that has one.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>The most it may take of the pool; null for no limit.</summary>
    public ByteSize? Quota { get; init; }

    /// <summary>What the pool keeps free for it; null for nothing.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>What it must have.</summary>
    public VolumeTraits Traits { get; init; }

    /// <summary>The layers that the host puts over it, which the pool only keeps on record, from the moment it makes the volume.</summary>
    public IReadOnlyList<LayerRecord> Layers { get; init; } = [];

    /// <summary>All that it must have: its traits, and those that its quota and its reservation need.</summary>
    public VolumeTraits Needs
        => Traits | (Quota is null ? VolumeTraits.None : VolumeTraits.Quota) | (Reservation is null ? VolumeTraits.None : VolumeTraits.Reserved);
}

/// <summary>A volume as it is.</summary>
public sealed record VolumeInfo
{
    /// <summary>Its name.</summary>
    public required VolumeName Name { get; init; }

    /// <summary>Its id, for life.</summary>
    public required Guid Id { get; init; }

    /// <summary>What it is handed out as.</summary>
    public required VolumeForm Form { get; init; }

    /// <summary>The block device or the image file; of a file system that its pool makes by itself, what is mounted: <see cref="FileSystemSource.Source"/>.</summary>
    public required string Path { get; init; }

    /// <summary>Its size, to the byte.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>What it takes of the pool now, without its snapshots.</summary>
    public required ByteSize Allocated { get; init; }

    /// <summary>What its snapshots alone take, and would be free without them; null where the backend does not count it.</summary>
    public ByteSize? AllocatedBySnapshots { get; init; }

    /// <summary>How much the pool keeps free for it, with what it has taken of that; null where the backend does not count it.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>The key of its own without which it can't be read, and which its pool has not found at the source of keys; null when it can be read.</summary>
    public KeyName? LockedBy { get; init; }

    /// <summary>What it has.</summary>
    public required VolumeTraits Traits { get; init; }
}
