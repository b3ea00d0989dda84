namespace EveStorage;

/// <summary>
/// What a backend does by itself, as found by its probe on this machine. The host adds the rest with
/// <see cref="IVolumeLayer"/>s, and the conformance kit holds the backend to every claim made here.
/// </summary>
public sealed record BackendCapabilities
{
    /// <summary>The forms it creates.</summary>
    public required IReadOnlySet<VolumeForm> Forms { get; init; }

    /// <summary>The traits it provides by itself.</summary>
    public required VolumeTraits Traits { get; init; }

    /// <summary>Sizes are rounded up to a multiple of this.</summary>
    public ByteSize Granularity { get; init; } = new(4096);

    /// <summary>Whether a snapshot is taken by copying, so that the volume must not be written meanwhile and its space is taken again.</summary>
    public bool SnapshotsCopy { get; init; }

    /// <summary>Whether a new volume with <see cref="VolumeTraits.Thin"/> reads as zeros, so that zeros need not be written.</summary>
    public bool ThinReadsZero { get; init; }

    /// <summary>Whether a new volume without <see cref="VolumeTraits.Thin"/> does, too.</summary>
    public bool ThickReadsZero { get; init; }

    /// <summary>Refuses a volume that a pool with these capabilities can't give by itself.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the form or a trait is lacking.</exception>
    public void Require(VolumeSpec spec)
    {
        if (!Forms.Contains(spec.Form))
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{spec.Name}", $"the pool makes no {spec.Form}");
        }

        VolumeTraits lacking = spec.Needs & ~Traits;
        if (lacking != VolumeTraits.None)
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{spec.Name}", $"the pool gives no {lacking}");
        }
    }
}
