using System.Runtime.CompilerServices;
using EveStorage;

namespace MyBackend;

/// <summary>An open pool. Looking answers at once; every change is a plan of steps, which the host runs under the pool's lock.</summary>
internal sealed class Pool(PoolPlace place, Guid id, BackendOptions options) : IStoragePool, IPoolRecords
{
    public Guid Id => id;

    public PoolName Name => place.Name;

    public BackendCapabilities Capabilities => Backend.Capabilities;

    public IPoolRecords Records => this;

    public string PathOf(VolumeName name) => At(name).Image;

    public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
        => new(At(name).Find() is VolumeRecord record ? Describe(At(name), record) : null);

    public async IAsyncEnumerable<VolumeInfo> ListVolumesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (VolumePlace volume in place.All())
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
        string[] problems = [.. place.Unfinished().Select(entry => $"{Name}: {entry} is left of an operation that was cut short: run or undo that operation")];
        DriveInfo below = new(place.Path);
        long used = place.All().Where(volume => volume.Find() is not null).Sum(volume => volume.Size().Bytes);
        return new(new PoolStatus
        {
            Health = problems.Length == 0 ? PoolHealth.Healthy : PoolHealth.Degraded,
            Size = new(below.TotalSize),
            Used = new(Math.Min(used, below.TotalSize - below.AvailableFreeSpace)),
            Free = new(below.AvailableFreeSpace),
            Problems = problems,
        });
    }

    public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        _ = At(name).Find() ?? throw new StorageException(StorageErrorKind.NotFound, At(name).Subject, "there is no such volume");
        return new(new Blocks(At(name), access));
    }

    public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        Capabilities.Require(spec);
        ByteSize size = spec.Size.RoundUpTo(Capabilities.Granularity);
        return size <= options.LargestVolume
            ? new(Plan.Of(new CreateVolume(At(spec.Name), size, spec.Layers)))
            : throw new StorageException(StorageErrorKind.NotSupported, At(spec.Name).Subject, $"is larger than {options.LargestVolume}, the most that LargestVolume allows");
    }

    public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => new(Plan.Of(new RenameVolume(At(name), At(newName))));

    public ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken) => new(Plan.Of(new DeleteVolume(At(name))));

    public ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken) => new(At(name).Find());

    public ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        VolumeRecord before = At(name).Require();
        if (before.Id != record.Id || !record.Mark.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, At(name).Subject, $"has the id {before.Id} for life, and stays ours");
        }

        At(name).WriteRecord(record);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private VolumePlace At(VolumeName name) => new(place, name);

    private static VolumeInfo Describe(VolumePlace volume, VolumeRecord record) => new()
    {
        Name = volume.Name,
        Id = record.Id,
        Form = VolumeForm.Block,
        Path = volume.Image,
        Size = volume.Size(),
        Allocated = volume.Size(),
        Traits = VolumeTraits.None,
    };
}
