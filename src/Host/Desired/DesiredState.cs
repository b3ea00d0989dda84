using EveStorage.Cli.Api;

namespace EveStorage.Host.Desired;

/// <summary>
/// What a file says is to be here. What it does not name is not its business: it is neither changed nor removed. What is to be removed
/// says so itself.
/// </summary>
internal sealed record DesiredState
{
    /// <summary>Pools, by name.</summary>
    public IReadOnlyDictionary<PoolName, DesiredPool> Pools { get; init; } = new Dictionary<PoolName, DesiredPool>();

    /// <summary>Disks.</summary>
    public IReadOnlyDictionary<VolumeAddress, DesiredVolume> Volumes { get; init; } = new Dictionary<VolumeAddress, DesiredVolume>();

    /// <summary>File systems.</summary>
    public IReadOnlyDictionary<VolumeAddress, DesiredFileSystem> FileSystems { get; init; } = new Dictionary<VolumeAddress, DesiredFileSystem>();

    /// <summary>Exports, by volume and transport.</summary>
    public IReadOnlyDictionary<DesiredPlace, DesiredExport> Exports { get; init; } = new Dictionary<DesiredPlace, DesiredExport>();
}

/// <summary>A pool, which the profile declares.</summary>
/// <param name="Absent">Whether it is to be removed.</param>
internal sealed record DesiredPool(bool Absent);

/// <summary>A volume by a transport.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Transport">The transport, by its name in the profile.</param>
internal sealed record DesiredPlace(VolumeAddress Volume, string Transport)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Volume}:{Transport}";
}

/// <summary>A disk.</summary>
internal sealed record DesiredVolume
{
    /// <summary>Whether it is to be removed.</summary>
    public bool Absent { get; init; }

    /// <summary>Whether its snapshots go with it.</summary>
    public bool WithSnapshots { get; init; }

    /// <summary>The size that it has at least; null for that of its image.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>Whether its space is taken when it is made; null for as it is, and of a new one for no.</summary>
    public bool? Thick { get; init; }

    /// <summary>Whether nothing readable reaches the device.</summary>
    public bool Encrypted { get; init; }

    /// <summary>Whether its data is compressed.</summary>
    public bool Compressed { get; init; }

    /// <summary>What it is made of; null for zeros.</summary>
    public DesiredImage? Image { get; init; }

    /// <summary>What it must have.</summary>
    public VolumeTraits Traits => (Thick == true ? VolumeTraits.None : VolumeTraits.Thin) | Required;

    /// <summary>The same, without what is only about how it is made.</summary>
    public VolumeTraits Required => (Encrypted ? VolumeTraits.Encrypted : VolumeTraits.None) | (Compressed ? VolumeTraits.Compressed : VolumeTraits.None);
}

/// <summary>The image of a volume. It is what the volume is made of, and is not looked at again when that is there.</summary>
internal sealed record DesiredImage
{
    /// <summary>A file beneath one of the directories for images; null for a URL.</summary>
    public string? File { get; init; }

    /// <summary>Where to fetch it; null for a file.</summary>
    public string? Url { get; init; }

    /// <summary>Its format; null to find out.</summary>
    public string? Format { get; init; }

    /// <summary>The snapshot in it; null for its disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The SHA-256 that it must have; null when it is not known.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Whether the volume is read back and compared.</summary>
    public bool Verify { get; init; }

    /// <summary>Whether the volume is there at once, and the image copied behind it.</summary>
    public bool Lazy { get; init; }
}

/// <summary>A file system.</summary>
internal sealed record DesiredFileSystem
{
    /// <inheritdoc cref="DesiredVolume.Absent"/>
    public bool Absent { get; init; }

    /// <inheritdoc cref="DesiredVolume.WithSnapshots"/>
    public bool WithSnapshots { get; init; }

    /// <summary>The size that it has at least, which is its quota.</summary>
    public ByteSize Size { get; init; }

    /// <summary>Its kind; null for any.</summary>
    public string? Kind { get; init; }

    /// <summary>Where it is mounted, beneath the directory for file systems; null for its name, or where it is.</summary>
    public string? At { get; init; }

    /// <summary>Whether its pool keeps all of its size free for it; null for as it is, and of a new one for no.</summary>
    public bool? Reserved { get; init; }

    /// <inheritdoc cref="DesiredVolume.Encrypted"/>
    public bool Encrypted { get; init; }

    /// <inheritdoc cref="DesiredVolume.Compressed"/>
    public bool Compressed { get; init; }

    /// <summary>Whether it is mounted; null for as it is, and of a new one for yes.</summary>
    public bool? Mounted { get; init; }

    /// <summary>Whether nothing can be written; null for as it is.</summary>
    public bool? ReadOnly { get; init; }

    /// <summary>What it must have.</summary>
    public VolumeTraits Required => (Encrypted ? VolumeTraits.Encrypted : VolumeTraits.None) | (Compressed ? VolumeTraits.Compressed : VolumeTraits.None);
}

/// <summary>An export.</summary>
internal sealed record DesiredExport
{
    /// <summary>Whether it is to end.</summary>
    public bool Absent { get; init; }

    /// <summary>All hosts that may connect, each with its keys; null for as it is, and of a new one for none.</summary>
    public IReadOnlyDictionary<string, DesiredHost>? Hosts { get; init; }

    /// <summary>The subsystem; null for one of the volume's own, or as it is.</summary>
    public string? Subsystem { get; init; }

    /// <summary>The number in the subsystem; null for the next free one, or as it is.</summary>
    public int? NamespaceId { get; init; }

    /// <summary>Whether writes are refused; null for as it is, and of a new one for no.</summary>
    public bool? ReadOnly { get; init; }

    /// <summary>The most reads and writes in a second; 0 for no limit, null for as it is, and of a new one for no limit.</summary>
    public long? Iops { get; init; }

    /// <summary>The most bytes in a second; as above.</summary>
    public ByteSize? Bandwidth { get; init; }
}

/// <summary>A host of an export.</summary>
/// <param name="Key">The name of its key; empty for none, null for as it is, and of a new host for none.</param>
/// <param name="ControllerKey">The name of the key that the controller proves in turn; as above.</param>
internal sealed record DesiredHost(string? Key, string? ControllerKey);
