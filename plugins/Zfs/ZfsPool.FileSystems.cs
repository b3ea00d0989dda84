namespace EveStorage.Zfs;

/// <summary>File systems that ZFS makes by itself: datasets.</summary>
internal sealed partial class ZfsPool : IFileSystemPool
{
    /// <summary>What ZFS's file systems are called, by us and by the kernel.</summary>
    internal const string Kind = "zfs";

    public FileSystemCapabilities FileSystems
        => new() { Kind = Kind, Traits = Capabilities.Traits | VolumeTraits.Quota | VolumeTraits.Reserved | VolumeTraits.Compressed };

    public FileSystemSource SourceOf(VolumeName name) => new() { Kind = Kind, Source = Zpool.DatasetOf(name) };

    public async ValueTask<Plan> PlanLimitAsync(VolumeName name, FileSystemLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return Plan.Of(await LimitFileSystem.PlanAsync(this, name, limits, cancellationToken));
    }

    private void RequireMakeable(VolumeSpec spec)
    {
        bool isFileSystem = spec.Form == VolumeForm.FileSystem;
        (isFileSystem ? Capabilities with { Traits = FileSystems.Traits } : Capabilities).Require(spec);
        if (isFileSystem && spec.Reservation > spec.Size)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, Subject(spec.Name), $"can't have {spec.Reservation} kept free for it of a size of {spec.Size}");
        }
    }

    private VolumeTraits TraitsOf(Dataset dataset)
    {
        if (!dataset.IsFileSystem)
        {
            return dataset.IsReserved ? Capabilities.Traits & ~VolumeTraits.Thin : Capabilities.Traits;
        }

        VolumeTraits lacking = (dataset.IsReserved ? VolumeTraits.Thin : VolumeTraits.None)
            | (dataset.Reservation.Bytes == 0 ? VolumeTraits.Reserved : VolumeTraits.None)
            | (dataset.IsCompressed ? VolumeTraits.None : VolumeTraits.Compressed);
        return FileSystems.Traits & ~lacking;
    }
}
