using System.Runtime.CompilerServices;
using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>An open pool of files.</summary>
internal sealed partial class FilePool : ISnapshotPool, IResizablePool
{
    private readonly PoolDirectory _directory;
    private readonly FileBackedOptions _options;
    private readonly PluginServices _services;
    private readonly OpenImages _images;
    private readonly PoolSurvey _survey;

    internal FilePool(PoolDirectory directory, Guid id, BackendCapabilities capabilities, FileBackedOptions options, PluginServices services)
    {
        _directory = directory;
        _options = options;
        _services = services;
        Id = id;
        Capabilities = capabilities;
        Space = new(directory, options.Limit, services.Time);
        _images = new(Space, services.Events, options.Direct);
        _survey = new(directory, LookAt, services.Time);
        Records = new FileRecords(this);
    }

    public Guid Id { get; }

    public PoolName Name => _directory.Name;

    public BackendCapabilities Capabilities { get; }

    public IPoolRecords Records { get; }

    /// <summary>What the pool takes, and may take.</summary>
    internal PoolSpace Space { get; }

    /// <summary>The images that are open in this process.</summary>
    internal OpenImages Images => _images;

    public string PathOf(VolumeName name) => VolumeOf(name).Image;

    public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
    {
        VolumeDirectory volume = VolumeOf(name);
        return new(volume.Find() is VolumeRecord record ? Describe(volume, record) : null);
    }

    public async IAsyncEnumerable<VolumeInfo> ListVolumesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (VolumeDirectory volume in Volumes())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryDescribe(volume, []) is VolumeInfo info)
            {
                yield return info;
            }
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        List<string> problems = [];
        ByteSize used = _survey.Look(problems);
        FileSystem below = FileSystem.Of(_directory.Path);
        ByteSize free = _options.Limit is ByteSize limit ? new(Math.Clamp(limit.Bytes - used.Bytes, 0, below.Free.Bytes)) : below.Free;
        return new(new PoolStatus
        {
            Health = problems.Count == 0 ? PoolHealth.Healthy : PoolHealth.Degraded,
            Size = _options.Limit is ByteSize most && most < below.Size ? most : below.Size,
            Used = used,
            Free = free,
            Problems = problems,
        });
    }

    public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        VolumeDirectory volume = VolumeOf(name);
        VolumeRecord record = volume.Find() ?? throw new StorageException(StorageErrorKind.NotFound, volume.Subject, "there is no such volume");
        return new(_images.Open(volume, record.Id, volume.Layout(), access));
    }

    public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        Capabilities.Require(spec);
        VolumeLayout layout = new(Documents.Format, !spec.Traits.HasFlag(VolumeTraits.Thin), spec.Traits.HasFlag(VolumeTraits.Compressed));
        return new(Plan.Of(new CreateVolume(this, VolumeOf(spec.Name), spec.Size.RoundUpTo(Capabilities.Granularity), layout, spec.Layers)));
    }

    public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => new(Plan.Of(new RenameVolume(this, VolumeOf(name), VolumeOf(newName))));

    public ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        => new(Plan.Of(new DeleteVolume(this, VolumeOf(name))));

    public ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => new(Plan.Of(new GrowVolume(this, VolumeOf(name), size.RoundUpTo(Capabilities.Granularity))));

    public ValueTask DisposeAsync()
    {
        _images.Dispose();
        return ValueTask.CompletedTask;
    }

    internal VolumeDirectory VolumeOf(VolumeName name) => new(_directory, name);

    /// <summary>Takes the lock of the pool's metadata. It is held for a change of names, never while data is copied.</summary>
    internal ValueTask<FileLock> LockAsync(string title, CancellationToken cancellationToken)
        => _directory.LockAsync(title, _options.LockTimeout, _services.Time, cancellationToken);

    private IEnumerable<VolumeDirectory> Volumes()
    {
        foreach (string entry in _directory.VolumeEntries())
        {
            if (VolumeName.TryParse(entry, out VolumeName name))
            {
                yield return VolumeOf(name);
            }
        }
    }

    private void LookAt(VolumeName name, List<string> problems)
    {
        VolumeDirectory volume = VolumeOf(name);
        TryDescribe(volume, problems);
        if (File.Exists(volume.FailurePath))
        {
            problems.Add($"{volume.Subject}: {OpenImage.FailureAdvice(volume.FailurePath)}");
        }
    }

    // One volume that can't be read does not hide the others.
    private static VolumeInfo? TryDescribe(VolumeDirectory volume, List<string> problems)
    {
        try
        {
            if (volume.Find() is VolumeRecord record)
            {
                return Describe(volume, record);
            }

            problems.Add($"{volume.Subject}: {volume.Path} has no record of ours and is left alone");
        }
        catch (StorageException e) when (Directory.Exists(volume.Path))
        {
            problems.Add($"{e.Message}: restore it from a copy, or move {volume.Path} away");
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.NotFound or StorageErrorKind.Corrupt)
        {
            // It was deleted while we looked.
        }

        return null;
    }

    private static VolumeInfo Describe(VolumeDirectory volume, VolumeRecord record)
    {
        FileFacts image = volume.Look();
        VolumeLayout layout = volume.Layout();
        return new()
        {
            Name = volume.Name,
            Id = record.Id,
            Form = VolumeForm.Block,
            Path = volume.Image,
            Size = new(image.Length),
            Allocated = new(image.Allocated),
            Traits = VolumeTraits.Snapshots | VolumeTraits.Resizable
                | (layout.Preallocated ? VolumeTraits.None : VolumeTraits.Thin)
                | (layout.Compressed ? VolumeTraits.Compressed : VolumeTraits.None),
        };
    }
}
