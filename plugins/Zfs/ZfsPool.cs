using System.Runtime.CompilerServices;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>An open pool of ZFS's.</summary>
internal sealed partial class ZfsPool : ISnapshotPool, IResizablePool
{
    private ZfsPool(OpenZpool open, BackendCapabilities capabilities, ZfsOptions options, PluginServices services)
    {
        Open = open;
        Key = open.Facts.Key;
        Capabilities = capabilities;
        Options = options;
        Services = services;
        Journal = new(this);
    }

    public Guid Id => Open.Facts.Id!.Value;

    public PoolName Name => Open.Name;

    public BackendCapabilities Capabilities { get; }

    public IPoolRecords Records => Journal;

    internal OpenZpool Open { get; }

    internal Zpool Zpool => Open.Zpool;

    internal ZfsOptions Options { get; }

    internal PluginServices Services { get; }

    internal ZfsRecords Journal { get; }

    /// <summary>Takes a pool that was opened, and goes by what it is, not by today's options.</summary>
    internal static async Task<ZfsPool> OpenAsync(OpenZpool open, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        string? compression = (await open.Zpool.FindAsync(open.Zpool.Volumes, cancellationToken, "compression"))?[0];
        return new(open, CapabilitiesOf(options.VolumeBlockSize, compression is not (null or "off"), open.Facts.Key is not null), options, services);
    }

    /// <summary>What a pool does by itself.</summary>
    internal static BackendCapabilities CapabilitiesOf(ByteSize block, bool isCompressed, bool isEncrypted) => new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block, VolumeForm.FileSystem },
        Traits = VolumeTraits.Thin | VolumeTraits.Snapshots | VolumeTraits.Resizable
            | (isCompressed ? VolumeTraits.Compressed : VolumeTraits.None) | (isEncrypted ? VolumeTraits.Encrypted : VolumeTraits.None),
        Granularity = block,
        ThinReadsZero = true,
        ThickReadsZero = true,
    };

    /// <summary>What the volume is called in messages.</summary>
    internal string Subject(VolumeName name) => $"{Name}/{name}";

    public string PathOf(VolumeName name) => ZvolNode.PathOf(Zpool.DatasetOf(name));

    public async ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
        => VolumeIn(await Zpool.ListAsync(name, cancellationToken), name) is Dataset found ? await DescribeAsync(name, found, cancellationToken) : null;

    public async IAsyncEnumerable<VolumeInfo> ListVolumesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Dataset found in await Zpool.ListAsync(cancellationToken))
        {
            if (found.Mark is not null && Zpool.NameOf(found) is VolumeName name)
            {
                yield return await DescribeAsync(name, found, cancellationToken);
            }
        }
    }

    public async ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        Dataset found = VolumeIn(await Zpool.ListAsync(name, cancellationToken), name)
            ?? throw new StorageException(StorageErrorKind.NotFound, Subject(name), "there is no such volume");
        if (found.IsFileSystem)
        {
            throw new StorageException(StorageErrorKind.NotSupported, Subject(name), "is a file system, and has no blocks");
        }

        await VolumeKeys.RequireUnlockedAsync(this, found, name, cancellationToken);
        string path = await ZvolNode.RequireAsync(found.Name, Subject(name), Services.Time, cancellationToken);
        return DeviceBlocks.Open(path, Subject(name), access, failure => Services.Events.Report(
            new("volume.sync-failed", EventSeverity.Critical, Subject(name), $"what was written is not on the drives: {failure.Message}")));
    }

    public async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        RequireMakeable(spec);
        return Plan.Of(await CreateVolume.PlanAsync(this, spec with { Size = spec.Size.RoundUpTo(Capabilities.Granularity) }, cancellationToken));
    }

    public async ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => Plan.Of(await RenameVolume.PlanAsync(this, name, newName, cancellationToken));

    public async ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        => Plan.Of(await DeleteVolume.PlanAsync(this, name, cancellationToken));

    public async ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => Plan.Of(await GrowVolume.PlanAsync(this, name, size.RoundUpTo(Capabilities.Granularity), cancellationToken));

    public async IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<Dataset> found = await Zpool.ListAsync(volume, cancellationToken);
        foreach (Dataset snapshot in found.Where(dataset => IsSnapshot(dataset) && dataset.Of == Zpool.DatasetOf(volume)).OrderBy(snapshot => snapshot.Made))
        {
            ByteSize size = Zpool.In(found, volume) is { IsFileSystem: true } now ? now.Size : snapshot.Size;
            yield return new() { Name = new(volume, snapshot.Label), Id = snapshot.SnapshotId!.Value, Size = size, Created = snapshot.Created };
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

    // The pool stays with this machine: whoever opens it again finds it there.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Takes the pool's lock. It is held for changes of what is there, never while data is copied.</summary>
    internal ValueTask<FileLock> LockAsync(string title, CancellationToken cancellationToken)
        => OpenZpool.LockAsync(Zpool.Root, title, Options, Services.Time, cancellationToken);

    /// <summary>What has a volume's name.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is not ours.</exception>
    internal Dataset? OursIn(IReadOnlyList<Dataset> found, VolumeName name)
        => Zpool.In(found, name) is not Dataset there ? null
            : there.Mark is not null ? there
            : throw new StorageException(StorageErrorKind.Conflict, Subject(name), $"the pool has a {there.Name} that is not ours: choose another name");

    /// <summary>A snapshot that is there, and ours; null when it is not.</summary>
    internal static Dataset? SnapshotIn(IReadOnlyList<Dataset> found, SnapshotName snapshot)
        => found.FirstOrDefault(dataset => IsSnapshot(dataset) && dataset.Leaf == $"{snapshot}");

    /// <summary>
    /// Makes sure that a volume is what it should be: a block device that opens, of that size; or locked, for want of a key of its own. A
    /// file system is what it is by its properties.
    /// </summary>
    internal async Task RequireReadyAsync(VolumeName name, VolumeForm form, ByteSize size, CancellationToken cancellationToken)
    {
        if (form == VolumeForm.Block && !await VolumeKeys.IsLockedAsync(Zpool, Zpool.DatasetOf(name), cancellationToken))
        {
            await ZvolNode.RequireAsync(Zpool.DatasetOf(name), size, Subject(name), Services.Time, cancellationToken);
        }
    }

    private static bool IsSnapshot(Dataset dataset) => dataset.SnapshotMark is not null && dataset.SnapshotId is not null && !dataset.IsLeaving;

    private Dataset? VolumeIn(IReadOnlyList<Dataset> found, VolumeName name)
        => Zpool.In(found, name) is { Mark: not null } there ? there : null;

    private async Task<VolumeInfo> DescribeAsync(VolumeName name, Dataset dataset, CancellationToken cancellationToken) => new()
    {
        Name = name,
        Id = dataset.Id!.Value,
        Form = dataset.Form,
        Path = dataset.IsFileSystem ? dataset.Name : PathOf(name),
        Size = dataset.Size,
        Allocated = dataset.Allocated,
        AllocatedBySnapshots = dataset.UsedBySnapshots,
        Reservation = dataset.Reservation,
        LockedBy = dataset.IsLocked && dataset.IsVolume ? await VolumeKeys.FindNameAsync(this, dataset, cancellationToken) : null,
        Traits = TraitsOf(dataset),
    };
}
