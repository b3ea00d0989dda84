using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Volumes as files below one directory. It needs no kernel module and no privilege.</summary>
internal sealed class FileBackend(FileBackedOptions options, PluginServices services) : IStorageBackend
{
    /// <inheritdoc/>
    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
    {
        if (PlaceOrNull() is not string place)
        {
            return new(ProbeResult.Unusable("no directory is declared: give the pool one device, or the option Directory"));
        }

        string there = place;
        while (!Directory.Exists(there))
        {
            there = Path.GetDirectoryName(there) ?? "/";
        }

        // Before the pool is made only the kind of file system tells; making it tries, and keeps the answer in its mark.
        FileSystemKind kind = FileSystemOf(there).Kind;
        if (options.Direct && !DirectFile.IsTakenBy(there))
        {
            return new(ProbeResult.Unusable(NoDirect(there)));
        }

        PoolMark? mark = PoolMark.Read(new PoolDirectory(place, new(services.Name)).MarkPath);
        return new(ProbeResult.Usable(CapabilitiesOf(kind, mark?.SharesBlocks ?? kind is FileSystemKind.Btrfs or FileSystemKind.Xfs)));
    }

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        string place = Place(spec.Name);
        if (spec.Devices.Count > 1 || spec.Devices.Any(device => Path.TrimEndingDirectorySeparator(device) != place))
        {
            throw Invalid(spec.Name, $"lies in one directory, {place}, and not in {string.Join(", ", spec.Devices)}");
        }

        return spec.Redundancy == PoolRedundancy.None
            ? new(Plan.Of(new CreatePoolDirectory(new(place, spec.Name))))
            : throw Invalid(spec.Name, "a directory has no redundancy of its own: use None");
    }

    /// <inheritdoc/>
    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken)
        => new(Plan.Of(new DeletePoolDirectory(new(Place(name), name))));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());   // a directory holds nothing

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        PoolDirectory directory = new(Place(name), name);
        PoolMark mark = directory.Find(toMake: false)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"there is no pool in {directory.Path}: make it with 'evestorage pool create {name}'");
        FileSystemKind kind = FileSystemOf(directory.Path).Kind;
        if (options.Direct && !DirectFile.IsTakenBy(directory.Path))
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{name}", NoDirect(directory.Path));
        }

        // A directory that was moved to another file system takes its mark along: what was tried there says nothing here.
        bool shares = mark.SharesBlocks && mark.FileSystem == kind;
        return new(new FilePool(directory, mark.Id, CapabilitiesOf(kind, shares), options, services));
    }

    private static BackendCapabilities CapabilitiesOf(FileSystemKind kind, bool sharesBlocks) => new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.Thin | VolumeTraits.Snapshots | VolumeTraits.Resizable | (kind == FileSystemKind.Btrfs ? VolumeTraits.Compressed : VolumeTraits.None),
        Granularity = new(512),
        SnapshotsCopy = !sharesBlocks,
        ThinReadsZero = true,
        ThickReadsZero = true,
    };

    private static string NoDirect(string place) => $"{place} is on a file system that has no I/O past the page cache: leave the option Direct out, or choose another place";

    private static FileSystem FileSystemOf(string directory) => FileSystem.Of(directory);

    private string Place(PoolName name)
        => PlaceOrNull() ?? throw Invalid(name, "no directory is declared: give the pool one device, or the option Directory");

    private string? PlaceOrNull()
    {
        string? place = options.Directory ?? (services.Devices.Count == 1 ? services.Devices[0] : null);
        return place is not null && FileBackedOptionsValidator.IsPlace(place) ? Path.TrimEndingDirectorySeparator(place) : null;
    }

    private static StorageException Invalid(PoolName name, string message) => new(StorageErrorKind.InvalidConfiguration, $"{name}", message);
}
