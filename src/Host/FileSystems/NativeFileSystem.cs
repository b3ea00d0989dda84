using EveStorage.Linux;

namespace EveStorage.Host.FileSystems;

/// <summary>
/// A file system that its pool makes by itself, at the place in a stack where others have a layer: so that it is mounted, recorded and
/// reported as they are. There is nothing to format, to grow or to wipe but what the pool does with the volume.
/// </summary>
internal sealed class NativeFileSystem(IFileSystemPool pool, VolumeName volume) : IVolumeLayer
{
    private static readonly LayerCapabilities s_capabilities = new()
    {
        Below = VolumeForm.FileSystem,
        Above = VolumeForm.FileSystem,
        Placements = new HashSet<LayerPlacement> { LayerPlacement.OverVolume },
        KeepsZeroes = true,
    };

    private readonly FileSystemSource _source = pool.SourceOf(volume);

    /// <inheritdoc/>
    public LayerCapabilities Capabilities => s_capabilities;

    /// <summary>The pool's file system.</summary>
    internal VolumeName Volume => volume;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(FileOwner.Ours == 0 ? [] : [$"{pool.FileSystems.Kind}: mounting needs root"]);

    /// <inheritdoc/>
    public string PathOver(LayerSite site) => site.Mount?.Path ?? _source.Source;

    /// <inheritdoc/>
    public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(IsMounted(site.Mount));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());

    /// <inheritdoc/>
    public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken)
        => new(site.Mount is MountSpec place ? Plan.Of(new MountNative(this, place, site.Subject)) : Plan.Of());

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new UnmountNative(this, site.Mount, site.Subject)));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());

    /// <inheritdoc/>
    public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());

    /// <summary>Every place where it is mounted now.</summary>
    internal IReadOnlyList<Mount> FindMounts()
        => [.. MountTable.Read().Where(mount => mount.Kind == _source.Kind && mount.Source == _source.Source && mount.Root == _source.Root)];

    /// <summary>Whether it is what is seen where it is to be.</summary>
    internal bool IsMounted(MountSpec? place)
        => place is not null && FindMounts().Any(mount => mount.Point == place.Path) && MountTable.FindAt(place.Path) is Mount seen && seen.Kind == _source.Kind && seen.Source == _source.Source;

    /// <summary>Mounts it. It is ours, and nothing is hidden by it.</summary>
    internal async Task MountAsync(MountSpec place, string subject, CancellationToken cancellationToken)
    {
        if (await pool.FindVolumeAsync(volume, cancellationToken) is not { Form: VolumeForm.FileSystem })
        {
            throw new StorageException(StorageErrorKind.NotFound, subject, "is no file system of its pool: nothing was touched");
        }

        MountUse.Begin(_source.Source, _source.Kind, new(place.ReadOnly, Data: _source.Data), place, subject);
    }

    /// <summary>Who made it; null when it is not there.</summary>
    internal async Task<OwnerMark?> FindMarkAsync(CancellationToken cancellationToken) => (await pool.Records.FindAsync(volume, cancellationToken))?.Mark;
}

/// <summary>Mounts a file system of a pool's own.</summary>
internal sealed class MountNative(NativeFileSystem fileSystem, MountSpec place, string subject) : StorageStep
{
    private bool _mounted;

    /// <inheritdoc/>
    public override string Title => $"mount {subject} at {place.Path}{(place.ReadOnly ? " to read only" : "")}";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = fileSystem.IsMounted(place) ? StepEffect.AlreadySo : StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (fileSystem.IsMounted(place))
        {
            return (await fileSystem.FindMarkAsync(cancellationToken))?.OutcomeFor(context) ?? StepOutcome.AlreadySo;
        }

        if (fileSystem.FindMounts() is [Mount elsewhere, ..])
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"is to be mounted at {place.Path} and is mounted at {elsewhere.Point}: unmount it there");
        }

        await fileSystem.MountAsync(place, subject, cancellationToken);
        _mounted = true;
        return StepOutcome.Changed;
    }

    // A mount has no room for a mark. After a crash it is undone if this operation also made the file system; else it stays, which
    // changes nothing on it.
    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (fileSystem.IsMounted(place) && (_mounted || await fileSystem.FindMarkAsync(cancellationToken) == context.Mark))
        {
            await MountUse.EndAsync(place.Path, subject, context.Time, cancellationToken);
        }
    }
}

/// <summary>Unmounts one, once nobody uses it.</summary>
internal sealed class UnmountNative(NativeFileSystem fileSystem, MountSpec? place, string subject) : StorageStep
{
    private bool _unmounted;

    /// <inheritdoc/>
    public override string Title => $"unmount {subject}{(place is null ? "" : $" from {place.Path}")}";

    // What is not mounted while this is planned may be when it is applied.
    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (place is null || !fileSystem.IsMounted(place))
        {
            // A person mounted it elsewhere, and has to end that.
            return fileSystem.FindMounts() is [Mount elsewhere, ..]
                ? throw new StorageException(StorageErrorKind.Busy, subject, $"is mounted at {elsewhere.Point}: unmount it first")
                : StepOutcome.AlreadySo;
        }

        await MountUse.EndAsync(place.Path, subject, context.Time, cancellationToken);
        _unmounted = true;
        return StepOutcome.Changed;
    }

    // After a crash nobody knows whether it was mounted. The record says what is to be, and the next start mounts it.
    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_unmounted && place is not null && !fileSystem.IsMounted(place))
        {
            await fileSystem.MountAsync(place, subject, cancellationToken);
        }
    }
}
