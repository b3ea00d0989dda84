using EveStorage;

namespace MyBackend;

/// <summary>Pools of files below one directory.</summary>
internal sealed class Backend(BackendOptions options, PluginServices services) : IStorageBackend
{
    /// <summary>What it does by itself. Each trait that is claimed here is a promise, and the kit tries it.</summary>
    internal static BackendCapabilities Capabilities { get; } = new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.None,
        Granularity = new(4096),
        ThickReadsZero = true,
    };

    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
        => new(services.Devices is [string place] && Path.IsPathRooted(place)
            ? ProbeResult.Usable(Capabilities)
            : ProbeResult.Unusable("no place is declared: give the pool one device, the absolute path of a directory"));

    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Redundancy == PoolRedundancy.None
            ? new(Plan.Of(new CreatePool(PlaceOf(spec.Name))))
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{spec.Name}", "has no redundancy of its own: use None");
    }

    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of(new DeletePool(PlaceOf(name))));

    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());   // nothing stays open

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        PoolPlace place = PlaceOf(name);
        PoolMark mark = place.Find() ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"there is no pool in {place.Path}");
        return new(new Pool(place, mark.Id, options));
    }

    private PoolPlace PlaceOf(PoolName name)
        => services.Devices is [string place] && Path.IsPathRooted(place)
            ? new(Path.TrimEndingDirectorySeparator(place), name)
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{name}", "needs one device, the absolute path of a directory");
}
