namespace EveStorage;

/// <summary>
/// A pool that makes file systems by itself, as ZFS makes datasets. It has <see cref="VolumeForm.FileSystem"/> among its forms. Each is a
/// volume like any other: it is planned, found, listed, recorded, renamed and deleted so, and, where the pool does that at all, grown, frozen,
/// cloned and rolled back. Its size is its quota: what is written beyond that meets <c>ENOSPC</c> or <c>EDQUOT</c>, and no neighbour does. Its
/// <see cref="VolumeInfo.Allocated"/> comes of counters, never of walking through it. The pool mounts none of them: its users do.
/// </summary>
public interface IFileSystemPool : IStoragePool
{
    /// <summary>What the pool says of its file systems.</summary>
    FileSystemCapabilities FileSystems { get; }

    /// <summary>What the kernel is told to mount one. Known before it exists, so that plans can be joined; it goes with the name.</summary>
    FileSystemSource SourceOf(VolumeName name);

    /// <summary>
    /// Plans other limits of a file system, which may be mounted. What it holds stays. Planning does not ask for it to exist: an earlier
    /// step of the same plan may make it, as a clone, which has the size of what it was made of and no reservation.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the pool does not keep such a limit.</exception>
    ValueTask<Plan> PlanLimitAsync(VolumeName name, FileSystemLimits limits, CancellationToken cancellationToken);
}

/// <summary>What a pool says of the file systems that it makes by itself.</summary>
public sealed record FileSystemCapabilities
{
    /// <summary>
    /// What such a file system is called, for people and in records: <c>zfs</c>. No layer has that name. Whoever plans one puts it into
    /// <see cref="VolumeSpec.Layers"/>, as the only one there, by which it is known for one.
    /// </summary>
    public required string Kind { get; init; }

    /// <summary>
    /// What a file system of the pool has, or can be asked to have. That may be more than its block volumes have by
    /// <see cref="BackendCapabilities.Traits"/>, <see cref="VolumeTraits.Quota"/> and <see cref="VolumeTraits.Reserved"/> above all.
    /// </summary>
    public required VolumeTraits Traits { get; init; }
}

/// <summary>What a file system of a pool's own is mounted of: mount(2) has its kind, its source and its data.</summary>
public sealed record FileSystemSource
{
    /// <summary>The kernel's name of its kind: <c>zfs</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The source, which the list of mounts has too: a device, or a name such as <c>tank/volumes/newlog</c>.</summary>
    public required string Source { get; init; }

    /// <summary>What the file system itself is told.</summary>
    public string Data { get; init; } = "";

    /// <summary>Which directory of the source is mounted, as the list of mounts has it: what tells those of one source from another.</summary>
    public string Root { get; init; } = "/";
}

/// <summary>Limits of a file system. What is null stays as it is.</summary>
public sealed record FileSystemLimits
{
    /// <summary>The most that its files take, which may be less than before, and not less than they take now.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>What the pool keeps free for it, of its size; 0 for nothing.</summary>
    public ByteSize? Reservation { get; init; }
}
