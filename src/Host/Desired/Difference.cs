using EveStorage.Cli.Api;
using EveStorage.Host.Engine;

namespace EveStorage.Host.Desired;

/// <summary>One thing that is otherwise than the file says, and what makes it so.</summary>
internal sealed record DesiredChange
{
    /// <summary>The pool or the volume.</summary>
    public required string Subject { get; init; }

    /// <summary>What is done about it, for a person.</summary>
    public required string Does { get; init; }

    /// <summary>The change to ask for; null where none makes it so, and <see cref="Refusal"/> says why.</summary>
    public ChangeRequest? Request { get; init; }

    /// <summary>The image's file, beneath one of the directories for images; null for none.</summary>
    public string? Image { get; init; }

    /// <summary>Whether data is lost.</summary>
    public bool Destroys => Request is DeleteVolume or DeletePool;

    /// <summary>Why nothing makes it so.</summary>
    public ErrorReport? Refusal { get; init; }

    /// <summary>One that nothing makes so.</summary>
    internal static DesiredChange Refused(StorageErrorKind kind, string subject, string message)
        => new() { Subject = subject, Does = "nothing", Refusal = new(kind, subject, message) };
}

/// <summary>All that is otherwise than a file says, in the order in which it is made so: what goes, then what comes.</summary>
/// <param name="Changes">What differs.</param>
/// <param name="Same">How many things of the file are as it says.</param>
internal sealed record Difference(IReadOnlyList<DesiredChange> Changes, int Same)
{
    /// <summary>Looks. Each pool is asked once, however many volumes it has, and only those that the file is about.</summary>
    internal static async Task<Difference> FindAsync(IStorageApi api, DesiredState state, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<PoolName, PoolReport> pools = (await api.ListPoolsAsync(cancellationToken)).ToDictionary(pool => pool.Name);
        Found found = await LookAsync(api, state, pools, cancellationToken);
        DesiredChange?[][] exports = [.. state.Exports.OrderBy(pair => $"{pair.Key}", StringComparer.Ordinal).Select(pair => WithPool(pair.Key.Volume, found, state, () => ExportDifference.Find(pair.Key, pair.Value, found)))];
        DesiredChange?[][] volumes =
        [
            .. state.Volumes.OrderBy(pair => $"{pair.Key}", StringComparer.Ordinal).Select(pair => WithPool(pair.Key, found, state, () => VolumeDifference.Find(pair.Key, pair.Value, found))),
            .. state.FileSystems.OrderBy(pair => $"{pair.Key}", StringComparer.Ordinal).Select(pair => WithPool(pair.Key, found, state, () => FileSystemDifference.Find(pair.Key, pair.Value, found))),
        ];
        DesiredChange?[][] whole = [.. state.Pools.OrderBy(pair => $"{pair.Key}", StringComparer.Ordinal).Select(pair => FindPool(pair.Key, pair.Value, pools))];
        DesiredChange[] all = [.. new[] { exports, volumes, whole }.SelectMany(things => things).SelectMany(changes => changes).OfType<DesiredChange>()];
        return new(
            [.. all.Where(Goes), .. whole.SelectMany(Comes), .. volumes.SelectMany(Comes), .. exports.SelectMany(Comes)],
            new[] { exports, volumes, whole }.Sum(things => things.Count(changes => changes.All(change => change is null))));
    }

    private static bool Goes(DesiredChange change) => change.Request is DeleteVolume or DeletePool or RemoveExport;

    private static IEnumerable<DesiredChange> Comes(IEnumerable<DesiredChange?> changes) => changes.OfType<DesiredChange>().Where(change => !Goes(change));

    private static DesiredChange?[] FindPool(PoolName name, DesiredPool desired, IReadOnlyDictionary<PoolName, PoolReport> pools)
        => !pools.TryGetValue(name, out PoolReport? there) ? [desired.Absent ? null : NotDeclared(name)]
            : desired.Absent ? [there.Created ? new() { Subject = $"{name}", Does = "remove the pool", Request = new DeletePool { Pool = name } } : null]
            : there.Created ? [null]
            : [IsOnlyDeclared(there)
                ? new() { Subject = $"{name}", Does = $"make the pool, of kind {there.Kind}", Request = new CreatePool { Pool = name } }
                : DesiredChange.Refused(StorageErrorKind.Unavailable, $"{name}", string.Join("; ", there.Reasons))];

    private static bool IsOnlyDeclared(PoolReport pool) => pool is { Created: false, Error: null, Reasons: [Overview.NotMade] };

    private static DesiredChange NotDeclared(PoolName name) => DesiredChange.Refused(StorageErrorKind.InvalidConfiguration, $"{name}", "is no pool of the profile: declare it there first");

    // What is in a pool that can't be looked into is not known: it is not taken for missing.
    private static DesiredChange?[] WithPool(VolumeAddress address, Found found, DesiredState state, Func<DesiredChange?[]> find)
    {
        PoolName name = address.Pool!.Value;
        bool comes = state.Pools.TryGetValue(name, out DesiredPool? desired) && !desired.Absent;
        return !found.Pools.TryGetValue(name, out PoolReport? pool) ? [NotDeclared(name) with { Subject = $"{address}" }]
            : pool.Created || (comes && IsOnlyDeclared(pool)) ? find()
            : IsOnlyDeclared(pool) ? find() is [null] ? [null] : [DesiredChange.Refused(StorageErrorKind.NotFound, $"{address}", $"has no pool to be in: name {name} among the file's pools to make it")]
            : [DesiredChange.Refused(StorageErrorKind.Unavailable, $"{address}", $"can't be looked at: {string.Join("; ", pool.Reasons)}")];
    }

    private static async Task<Found> LookAsync(IStorageApi api, DesiredState state, IReadOnlyDictionary<PoolName, PoolReport> pools, CancellationToken cancellationToken)
    {
        Dictionary<VolumeAddress, VolumeReport> volumes = [];
        Dictionary<VolumeAddress, FileSystemReport> fileSystems = [];
        HashSet<PoolName> mounting = [.. state.FileSystems.Keys.Select(address => address.Pool!.Value)];
        PoolName[] asked = [.. state.Volumes.Keys.Concat(state.FileSystems.Keys).Concat(state.Exports.Keys.Select(place => place.Volume)).Select(address => address.Pool!.Value).Distinct()];
        foreach (PoolName name in asked.Where(name => pools.TryGetValue(name, out PoolReport? pool) && pool.Created))
        {
            foreach (VolumeReport volume in await api.ListVolumesAsync(name, cancellationToken))
            {
                volumes[new(name, volume.Name, null)] = volume;
            }

            foreach (FileSystemReport fileSystem in mounting.Contains(name) ? await api.ListFileSystemsAsync(name, cancellationToken) : [])
            {
                fileSystems[new(name, fileSystem.Name, null)] = fileSystem;
            }
        }

        return new(pools, volumes, fileSystems);
    }
}

/// <summary>What is here.</summary>
/// <param name="Pools">Every pool of the profile.</param>
/// <param name="Volumes">What is in the pools that the file is about.</param>
/// <param name="FileSystems">Of that what is a file system, where the file has some of that pool.</param>
internal sealed record Found(
    IReadOnlyDictionary<PoolName, PoolReport> Pools, IReadOnlyDictionary<VolumeAddress, VolumeReport> Volumes, IReadOnlyDictionary<VolumeAddress, FileSystemReport> FileSystems);
