using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>A file system over one volume. Its size is its quota: what is written beyond that meets <c>ENOSPC</c>, and no neighbour does.</summary>
public sealed class FileSystemLayer(FileSystemFormat format, FileSystemOptions options) : IVolumeLayer
{
    /// <inheritdoc/>
    public LayerCapabilities Capabilities { get; } = new()
    {
        Adds = VolumeTraits.Quota,
        Below = VolumeForm.Block,
        Above = VolumeForm.FileSystem,   // with no overhead: its own tables are part of the size that was asked for
        Placements = new HashSet<LayerPlacement> { LayerPlacement.OverVolume },
    };

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [.. format.Programs.Append("wipefs").Where(program => Command.Find(program) is null).Select(program => $"{program}: it is not installed")];
        if (!IsKnown())
        {
            missing.AddRange(KernelModule.Missing(format.Kernel));
        }

        if (FileOwner.Ours != 0)
        {
            missing.Add($"{format.Kind}: mounting needs root");
        }

        return new(missing);
    }

    /// <inheritdoc/>
    public string PathOver(LayerSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        return site.Mount?.Path ?? site.LowerPath;
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(Of(site).FindMounted() is not null);

    /// <inheritdoc/>
    public ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new FormatFileSystem(Of(site))));

    /// <summary>Plans mounting it; nothing where it has no place.</summary>
    public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new(site.Mount is null ? Plan.Of() : Plan.Of(new MountFileSystem(Of(site))));
    }

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new UnmountFileSystem(Of(site))));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken)
    {
        FileSystemDevice device = Of(site);

        // Before what lies below has grown: from there on there is no way back.
        return format.Growing is (int number, string name) && !ThisProcess.Has(number)
            ? throw device.Fail(StorageErrorKind.Unavailable, $"grows only by who has the capability {name}, and this process lacks it: give it to the container or the service that it runs in")
            : new(Plan.Of(new GrowFileSystem(device)));
    }

    /// <inheritdoc/>
    public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new EraseFileSystem(Of(site))));

    // One that is built in and has no parameters is in no list of modules, and known for all that.
    private bool IsKnown() => FileCalls.Run("/proc/filesystems", () => File.ReadLines("/proc/filesystems").Any(line => line.Trim() == format.Kind));

    private FileSystemDevice Of(LayerSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new(site, format, options);
    }
}
