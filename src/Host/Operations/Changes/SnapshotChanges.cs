using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>A pool that has snapshots.</summary>
internal static class SnapshotPools
{
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it has none.</exception>
    internal static async Task<ISnapshotPool> OpenAsync(PoolChange request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) as ISnapshotPool
            ?? throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "its backend has no snapshots");
}

/// <summary>Freezes volumes.</summary>
internal sealed class PlanTakeSnapshots(Profile profile) : ChangePlanner<TakeSnapshots>
{
    /// <summary>What was asked for was a moment, and that has passed: all of them were taken, or none are.</summary>
    public override Recovery AfterCrash => Recovery.Undo;

    /// <inheritdoc/>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override IEnumerable<VolumeName> Owns(TakeSnapshots request, Guid operation) => request.Snapshots.Select(snapshot => snapshot.Volume);

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(TakeSnapshots request, Guid operation) => request.Snapshots.Select(snapshot => $"{snapshot}").Distinct();

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(TakeSnapshots request, PlanningContext context, CancellationToken cancellationToken)
    {
        if (request.Snapshots.Count == 0 || request.Snapshots.Distinct().Count() < request.Snapshots.Count)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject.Length > 0 ? request.Subject : $"{request.Pool}", "has to name snapshots, each once");
        }

        ISnapshotPool pool = await SnapshotPools.OpenAsync(request, context, cancellationToken);
        IReadOnlyList<StackedLayer> fileSystems = await FileSystemsAsync(pool, request, context, cancellationToken);
        Plan plan = await pool.PlanSnapshotAsync(request.Snapshots, cancellationToken);
        return fileSystems.Count == 0 ? plan : Plan.Of(new SnapshotFrozen(fileSystems, plan, profile));
    }

    // Those that are mounted stand still meanwhile; each once, however many of its snapshots are taken. A pool's own need not.
    private static async Task<IReadOnlyList<StackedLayer>> FileSystemsAsync(
        ISnapshotPool pool, TakeSnapshots request, PlanningContext context, CancellationToken cancellationToken)
    {
        List<StackedLayer> fileSystems = [];
        foreach (VolumeName name in request.Snapshots.Select(snapshot => snapshot.Volume).Distinct())
        {
            VolumeInfo volume = await RequireAsync(pool, name, cancellationToken);
            LayerStack stack = context.Parts.StackOf(pool, name, volume.Id, await pool.Records.FindAsync(name, cancellationToken));
            if (stack.FileSystem is StackedLayer { Layer: not NativeFileSystem } fileSystem && await stack.IsOpenAsync(cancellationToken))
            {
                fileSystems.Add(fileSystem);
            }
        }

        return fileSystems;
    }

    /// <inheritdoc/>
    protected override async Task<Plan?> PlanUndoAsync(TakeSnapshots request, PlanningContext context, CancellationToken cancellationToken)
    {
        RemoveTakenSnapshots remove = new(await SnapshotPools.OpenAsync(request, context, cancellationToken), request.Snapshots);
        return await remove.FindTakenAsync(context.Operation, cancellationToken) is { Count: int taken } && taken == request.Snapshots.Count ? null : Plan.Of(remove);
    }
}

/// <summary>Makes a volume of a snapshot.</summary>
internal sealed class PlanCloneSnapshot : ChangePlanner<CloneSnapshot>
{
    /// <inheritdoc/>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override IEnumerable<VolumeName> Owns(CloneSnapshot request, Guid operation) => [request.Snapshot.Volume, request.NewVolume];

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CloneSnapshot request, Guid operation) => [$"{request.NewVolume}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CloneSnapshot request, PlanningContext context, CancellationToken cancellationToken)
    {
        ISnapshotPool pool = await SnapshotPools.OpenAsync(request, context, cancellationToken);
        await RequireFreeAsync(pool, request.NewVolume, context, cancellationToken);
        context.Result("volume", $"{pool.Name}/{request.NewVolume}");
        Plan clone = await pool.PlanCloneAsync(request.Snapshot, request.NewVolume, cancellationToken);

        // It has the layers of what it was made of, and their keys.
        VolumeRecord? source = await pool.Records.FindAsync(request.Snapshot.Volume, cancellationToken);
        LayerStack stack = context.Parts.StackOf(pool, request.NewVolume, context.Operation.Ids[$"{request.NewVolume}"], source is null ? null : source with { Mount = null });
        return clone.Then(await stack.PlanOpenAsync(cancellationToken));
    }
}

/// <summary>Makes a volume what a snapshot froze.</summary>
internal sealed class PlanRollBack : ChangePlanner<RollBack>
{
    /// <inheritdoc/>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override IEnumerable<VolumeName> Owns(RollBack request, Guid operation) => [request.Snapshot.Volume];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RollBack request, PlanningContext context, CancellationToken cancellationToken)
    {
        ISnapshotPool pool = await SnapshotPools.OpenAsync(request, context, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Snapshot.Volume, cancellationToken);
        if (!context.Recovering && !await pool.ListSnapshotsAsync(request.Snapshot.Volume, cancellationToken).AnyAsync(snapshot => snapshot.Name == request.Snapshot, cancellationToken))
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{request.Snapshot}", $"is no snapshot here: see `evestorage volume show {pool.Name}/{request.Snapshot.Volume}`");
        }

        LayerStack stack = context.Parts.StackOf(pool, request.Snapshot.Volume, record.Id, record);
        return (await stack.PlanCloseAsync(cancellationToken))
            .Then(await pool.PlanRollbackAsync(request.Snapshot, cancellationToken))
            .Then(await stack.PlanOpenAsync(cancellationToken));
    }
}

/// <summary>Removes a snapshot.</summary>
internal sealed class PlanDeleteSnapshot : ChangePlanner<DeleteSnapshot>
{
    /// <inheritdoc/>
    protected override IEnumerable<VolumeName> Owns(DeleteSnapshot request, Guid operation) => [request.Snapshot.Volume];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeleteSnapshot request, PlanningContext context, CancellationToken cancellationToken)
        => await (await SnapshotPools.OpenAsync(request, context, cancellationToken)).PlanDeleteSnapshotAsync(request.Snapshot, cancellationToken);
}
