using System.Runtime.CompilerServices;
using EveStorage;

namespace Samples.Btrfs;

/// <summary>An open pool. Looking answers at once; every change is a plan of steps, which the host runs under the pool's lock.</summary>
internal sealed partial class BtrfsPool : ISnapshotPool, IResizablePool, IPoolRecords
{
    private readonly PoolPlace _place;
    private readonly BtrfsOptions _options;

    internal BtrfsPool(PoolPlace place, Guid id, BackendCapabilities capabilities, BtrfsOptions options)
    {
        (_place, _options) = (place, options);
        (Id, Capabilities) = (id, capabilities);
    }

    public Guid Id { get; }

    public PoolName Name => _place.Name;

    public BackendCapabilities Capabilities { get; }

    public IPoolRecords Records => this;

    /// <summary>The volumes that are open in this process.</summary>
    internal OpenVolumes Open { get; } = new();

    public string PathOf(VolumeName name) => At(name).Image;

    public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
        => new(At(name).Find() is VolumeRecord record ? Describe(At(name), record) : null);

    public async IAsyncEnumerable<VolumeInfo> ListVolumesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (VolumePlace volume in _place.All())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (volume.Find() is VolumeRecord record)
            {
                yield return Describe(volume, record);
            }
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        string[] problems =
            [
                .. _place.Unfinished().Select(entry => $"{Name}: {entry} is left of an operation that was cut short: run or undo that operation"),
                .. _place.All().Where(volume => volume.Find() is null).Select(volume => $"{volume.Subject}: {volume.Path} has no record of ours and is left alone"),
            ];
        DriveInfo below = new(_place.Path);
        long images = _place.All().Where(volume => volume.Find() is not null)
            .Sum(volume => Subvolume.AllocatedOf(volume.Image).Bytes + SnapshotPlace.Of(volume).Sum(snapshot => Subvolume.AllocatedOf(VolumePlace.ImageIn(snapshot.Path)).Bytes));
        return new(new PoolStatus
        {
            Health = problems.Length == 0 ? PoolHealth.Healthy : PoolHealth.Degraded,
            Size = new(below.TotalSize),
            Used = new(Math.Min(images, below.TotalSize - below.AvailableFreeSpace)),   // blocks that are shared are in each that has them
            Free = new(below.AvailableFreeSpace),
            Problems = problems,
        });
    }

    public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        VolumeRecord record = At(name).Find() ?? throw new StorageException(StorageErrorKind.NotFound, At(name).Subject, "there is no such volume");
        return new(Open.Enter(At(name), record.Id, access));
    }

    public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        Capabilities.Require(spec);
        return new(Plan.Of(new CreateVolume(At(spec.Name), spec with { Size = spec.Size.RoundUpTo(Capabilities.Granularity) }, _options)));
    }

    public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => new(Plan.Of(new RenameVolume(this, At(name), At(newName))));

    public ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken) => new(Plan.Of(new DeleteVolume(this, At(name))));

    public ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => new(Plan.Of(new GrowVolume(At(name), size.RoundUpTo(Capabilities.Granularity))));

    public ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken) => new(At(name).Find());

    public ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        VolumeRecord before = At(name).Require();
        if (before.Id != record.Id || !record.Mark.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, At(name).Subject, $"has the id {before.Id} for life, and stays ours");
        }

        At(name).WriteRecord(record);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Open.Dispose();
        return ValueTask.CompletedTask;
    }

    private VolumePlace At(VolumeName name) => new(_place, name);

    private static VolumeInfo Describe(VolumePlace volume, VolumeRecord record)
    {
        VolumeSettings settings = volume.Settings();
        return new()
        {
            Name = volume.Name,
            Id = record.Id,
            Form = VolumeForm.Block,
            Path = volume.Image,
            Size = volume.Size(),
            Allocated = Subvolume.AllocatedOf(volume.Image),
            Traits = VolumeTraits.Snapshots | VolumeTraits.Resizable
                | (settings.Thin ? VolumeTraits.Thin : VolumeTraits.None)
                | (settings.Compressed ? VolumeTraits.Compressed : VolumeTraits.None),
        };
    }
}
