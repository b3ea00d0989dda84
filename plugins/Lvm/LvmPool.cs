using System.Runtime.CompilerServices;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>An open pool in a volume group. A thin one adds snapshots: <see cref="LvmThinPool"/>.</summary>
internal abstract partial class LvmPool : IResizablePool, IDrivePool, IScrubbablePool
{
    private readonly RecordDisk _disk;

    private protected LvmPool(OpenGroup open, LvmOptions options, PluginServices services)
    {
        Open = open;
        Options = options;
        Services = services;
        Id = open.Facts.Tags.Id ?? throw new StorageException(StorageErrorKind.Corrupt, open.Group.Name, "has our mark and lacks its id");
        Name = open.Name;
        _disk = open.Records;
        Area = RecordArea.Open(_disk, open.Group.Subject(LvName.Records));
        if (Area.Pool != Id)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"{Name}", $"has the records of another pool, {Area.Pool}");
        }

        Journal = new(this);
    }

    public Guid Id { get; }

    public PoolName Name { get; }

    public abstract BackendCapabilities Capabilities { get; }

    public IPoolRecords Records => Journal;

    internal OpenGroup Open { get; }

    internal VolumeGroup Group => Open.Group;

    internal PoolShape Shape => Open.Shape;

    internal LvmOptions Options { get; }

    internal PluginServices Services { get; }

    internal RecordArea Area { get; }

    internal LvmRecords Journal { get; }

    /// <summary>What the volume is called in messages.</summary>
    internal string Subject(VolumeName name) => $"{Name}/{name}";

    public string PathOf(VolumeName name) => DeviceMapper.PathOf(Group.DeviceOf(LvName.Of(name)));

    public async ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
        => VolumeIn(await Group.ListAsync(cancellationToken), name) is LogicalVolume found ? Describe(name, found) : null;

    public async IAsyncEnumerable<VolumeInfo> ListVolumesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (LogicalVolume found in await Group.ListAsync(cancellationToken))
        {
            if (IsVolume(found) && LvName.Parse(found.Name) is VolumeName name)
            {
                yield return Describe(name, found);
            }
        }
    }

    public async ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        LogicalVolume found = await FindAsync(name, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, Subject(name), "there is no such volume");
        string path = await Group.Tools.Mapper.RequireNodeAsync(Group.DeviceOf(found.Name), Subject(name), cancellationToken);
        DeviceBlocks blocks = DeviceBlocks.Open(path, Subject(name), access, failure => Services.Events.Report(
            new("volume.sync-failed", EventSeverity.Critical, Subject(name), $"what was written is not on the drives: {failure.Message}")));
        return this is LvmThinPool thin ? new ThinBlocks(thin, name, blocks) : blocks;
    }

    public abstract ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken);

    public async ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => Plan.Of(await RenameVolume.PlanAsync(this, name, newName, cancellationToken));

    public async ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        => Plan.Of(await DeleteVolume.PlanAsync(this, name, cancellationToken));

    public async ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => Plan.Of(await GrowVolume.PlanAsync(this, name, size.RoundUpTo(Capabilities.Granularity), cancellationToken));

    public virtual ValueTask DisposeAsync()
    {
        _disk.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes the lock of the pool's metadata. It is held for changes of names and records, never while data is copied.</summary>
    internal ValueTask<FileLock> LockAsync(string title, CancellationToken cancellationToken)
        => Open.LockAsync(title, Options, Services.Time, cancellationToken);

    /// <summary>The logical volume of a volume that is there and finished; null when there is none.</summary>
    internal async Task<LogicalVolume?> FindAsync(VolumeName name, CancellationToken cancellationToken)
        => VolumeIn(await Group.ListCommittedAsync(cancellationToken), name);

    /// <summary>The same among <paramref name="all"/>.</summary>
    internal static LogicalVolume? VolumeIn(IReadOnlyList<LogicalVolume> all, VolumeName name)
        => all.FirstOrDefault(lv => lv.Name == LvName.Of(name) && IsVolume(lv));

    /// <summary>What has a volume's name, finished or not.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is not ours.</exception>
    internal LogicalVolume? OursIn(IReadOnlyList<LogicalVolume> all, VolumeName name)
        => all.FirstOrDefault(lv => lv.Name == LvName.Of(name)) is not LogicalVolume found ? null
            : found.Tags.IsOurs && found.Tags.Of is null ? found
            : throw new StorageException(StorageErrorKind.Conflict, Subject(name), $"the volume group has a {found.Name} that is not ours: choose another name");

    /// <summary>The snapshots of the volume <paramref name="id"/>, finished ones, oldest first.</summary>
    internal static IReadOnlyList<LogicalVolume> SnapshotsIn(IReadOnlyList<LogicalVolume> all, Guid? id)
        => [.. all.Where(lv => lv.Tags.IsOurs && lv.Tags.Of is Guid of && of == id && lv.Tags.Making is null).OrderBy(lv => lv.Tags.Created).ThenBy(lv => lv.ThinId)];

    /// <summary>Makes sure that a new logical volume is what it should be: a block device that opens, of that size.</summary>
    internal async Task RequireReadyAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
    {
        string path = await Group.Tools.Mapper.RequireNodeAsync(Group.DeviceOf(LvName.Of(name)), Subject(name), cancellationToken);
        ByteSize there = BlockDevice.GetSize(path);
        if (there != size)
        {
            throw new StorageException(StorageErrorKind.Io, Subject(name), $"has {there} as a device, not {size}");
        }
    }

    private protected static bool IsVolume(LogicalVolume lv)
        => lv.IsPublic && lv.Tags is { IsOurs: true, Id: not null, Of: null, Making: null, Replaced: null };

    private VolumeInfo Describe(VolumeName name, LogicalVolume lv) => new()
    {
        Name = name,
        Id = lv.Tags.Id!.Value,
        Form = VolumeForm.Block,
        Path = PathOf(name),
        Size = lv.Size,
        Allocated = lv.IsThin ? new((long)(lv.Size.Bytes * ((lv.DataPercent ?? 0) / 100))) : lv.Size,
        Traits = Capabilities.Traits,
    };
}
