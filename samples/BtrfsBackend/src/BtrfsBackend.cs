using EveStorage;

namespace Samples.Btrfs;

/// <summary>Volumes as files, each in a subvolume of its own, below one directory of a btrfs that is mounted.</summary>
internal sealed class BtrfsBackend(BtrfsOptions options, PluginServices services) : IStorageBackend
{
    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [];
        if (!Environment.IsPrivilegedProcess)
        {
            missing.Add("root's rights are missing: subvolumes are removed by root alone");
        }

        if (services.Devices is not [string place] || !PoolPlace.CanBe(place))
        {
            missing.Add("no place is declared: give the pool one device, the absolute path of a directory on a btrfs");
        }
        else if (!PoolPlace.IsOnBtrfs(place))
        {
            missing.Add($"{place} does not lie on a btrfs: mount one there, or name another directory");
        }

        return new(missing.Count > 0 ? ProbeResult.Unusable(missing) : ProbeResult.Usable(Capabilities));
    }

    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Redundancy == PoolRedundancy.None
            ? new(Plan.Of(new CreatePool(PlaceOf(spec.Name), options.Quotas)))
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{spec.Name}", "has the redundancy of the file system that it lies on: use None");
    }

    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of(new DeletePool(PlaceOf(name))));

    // A mounted file system is not ours to unmount, and nothing of a pool stays open.
    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        PoolPlace place = PlaceOf(name);
        PoolMark mark = place.Find() ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"there is no pool in {place.Path}");
        return new(new BtrfsPool(place, mark.Id, Capabilities, options));
    }

    private BackendCapabilities Capabilities => new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.Thin | VolumeTraits.Snapshots | VolumeTraits.Resizable
            | (options.CopyOnWrite ? VolumeTraits.Compressed : VolumeTraits.None)
            | (options.Quotas ? VolumeTraits.Quota : VolumeTraits.None),
        Granularity = new(4096),
        ThinReadsZero = true,
        ThickReadsZero = true,
    };

    private PoolPlace PlaceOf(PoolName name)
        => services.Devices is [string place] && PoolPlace.CanBe(place)
            ? new(place, name)
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{name}", "needs one device, the absolute path of a directory on a btrfs");
}
