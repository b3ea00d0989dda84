using System.Runtime.CompilerServices;

namespace EveStorage.Lvm;

/// <summary>A pool whose volumes share one thin pool: they take what is written, and have snapshots.</summary>
internal sealed class LvmThinPool : LvmPool, ISnapshotPool
{
    private readonly MetadataWatch _watch;

    internal LvmThinPool(OpenGroup open, LvmOptions options, PluginServices services)
        : base(open, options, services)
    {
        Capabilities = CapabilitiesOf(open.Facts.Extent);
        _watch = new(this, options.WatchInterval, services);
    }

    public override BackendCapabilities Capabilities { get; }

    public override async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        Capabilities.Require(spec);
        return Plan.Of(await CreateThinVolume.PlanAsync(this, spec with { Size = spec.Size.RoundUpTo(Capabilities.Granularity) }, cancellationToken));
    }

    public async IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await Group.ListCommittedAsync(cancellationToken);
        if (VolumeIn(all, volume) is not LogicalVolume found)
        {
            yield break;
        }

        foreach (LogicalVolume snapshot in SnapshotsIn(all, found.Tags.Id))
        {
            yield return new()
            {
                Name = new(volume, snapshot.Tags.Label ?? throw new StorageException(StorageErrorKind.Corrupt, Group.Subject(snapshot.Name), "is a snapshot without a name")),
                Id = snapshot.Tags.Id ?? Guid.Empty,
                Size = snapshot.Size,
                Created = snapshot.Tags.Created ?? DateTimeOffset.UnixEpoch,
            };
        }
    }

    public async ValueTask<Plan> PlanSnapshotAsync(IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
        => Plan.Of(await TakeSnapshots.PlanAsync(this, snapshots, cancellationToken));

    public async ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        => Plan.Of(await CloneVolume.PlanAsync(this, snapshot, clone, cancellationToken));

    public async ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => Plan.Of(await RollBackVolume.PlanAsync(this, snapshot, cancellationToken));

    public async ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => Plan.Of(await DeleteSnapshot.PlanAsync(this, snapshot, cancellationToken));

    public override async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        await base.DisposeAsync();
    }

    private protected override IEnumerable<StorageStep> UseNewRoom(string device) => [new GrowThinPool(this, device)];

    /// <summary>A snapshot that is there; null when it, or its volume, is not.</summary>
    internal static LogicalVolume? SnapshotIn(IReadOnlyList<LogicalVolume> all, SnapshotName snapshot)
        => VolumeIn(all, snapshot.Volume) is LogicalVolume volume
            ? SnapshotsIn(all, volume.Tags.Id).FirstOrDefault(lv => lv.Tags.Label == snapshot.Label)
            : null;

    /// <summary>A snapshot that has to be there.</summary>
    internal LogicalVolume RequireSnapshotIn(IReadOnlyList<LogicalVolume> all, SnapshotName snapshot)
        => SnapshotIn(all, snapshot) ?? throw new StorageException(StorageErrorKind.NotFound, $"{Name}/{snapshot}", "there is no such snapshot");

    /// <summary>Refuses a new thin volume that the pool should not promise, or has no room to describe.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>.</exception>
    internal void RequireRoom(IReadOnlyList<LogicalVolume> all, ByteSize more, string subject)
    {
        LogicalVolume pool = PoolIn(all);
        long promised = all.Where(lv => lv.IsThin).Sum(lv => lv.Size.Bytes);
        if (Options.Overcommit is double ratio && promised + (double)more.Bytes > pool.Size.Bytes * ratio)
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace, subject,
                $"with {more} the pool would promise {new ByteSize(promised + more.Bytes)} of {pool.Size}, and Overcommit allows {ratio:0.##} times that: delete something, add a drive, or raise Overcommit");
        }

        if (pool.MetadataPercent >= ThinPoolRoom.FullMetadata)
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace, subject, $"the thin pool's metadata is {pool.MetadataPercent:0.#} % full, and takes no new volumes: delete snapshots, or add a drive");
        }
    }

    /// <summary>The thin pool itself.</summary>
    internal LogicalVolume PoolIn(IReadOnlyList<LogicalVolume> all)
        => all.FirstOrDefault(lv => lv.Name == LvName.ThinPool)
            ?? throw new StorageException(StorageErrorKind.Corrupt, Group.Name, $"has lost its thin pool {LvName.ThinPool}");

    internal static BackendCapabilities CapabilitiesOf(ByteSize extent) => new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.Thin | VolumeTraits.Snapshots | VolumeTraits.Resizable,
        Granularity = extent,
        ThinReadsZero = true,
        ThickReadsZero = true,   // without Thin a volume is thin here, too
    };
}
