using System.Globalization;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// Layers are file systems of their own. One that is written is an image that starts with the blocks of its parent's, shared
/// (<c>image</c>); one that is committed is that image as it was then (<c>committed</c>); one that is looked at is its parent's.
/// </summary>
/// <param name="empties">The directory of those that the first layers are made of.</param>
/// <param name="kind">The kind of those; every other layer is what it lies on.</param>
/// <param name="ordinary">How large a layer is where its label says nothing.</param>
/// <param name="time">The time.</param>
internal sealed class CloneForm(string empties, ImageKind kind, ByteSize ordinary, TimeProvider time) : ILayerForm, IDisposable
{
    private readonly LayerDevices _devices = new();
    private readonly SemaphoreSlim _making = new(1);

    /// <inheritdoc/>
    public async Task<LayerUsage> MakeAsync(string directory, SnapshotRecord record, string? parent)
    {
        ByteSize size = record.Limit ?? ordinary;
        if (parent is null && size < kind.Least)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, record.Key, $"asks for a limit of {size}, and a layer that is {kind.Name} needs {kind.Least}");
        }

        string below = parent is null ? await EmptyAsync(size) : CommittedOf(parent);
        LayerUsage lower = CountAll(below);
        ByteSize there = new(BlockFile.Look(below).Length);
        if (record.Limit is ByteSize limit && limit < there)
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, record.Key, $"asks for a limit of {limit}, and what it lies on is a file system of {there}, which can't become smaller: lower LayerSize before the image is pulled");
        }

        if (record.Kind == Kind.Active || parent is null)
        {
            LayerImage.Clone(below, ImageOf(directory));
        }

        if (record.Kind == Kind.Active && there < size)
        {
            await GrowAsync(directory, ImageOf(directory), size);
        }

        return lower;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Mount> MountsOf(string directory, SnapshotRecord record, IReadOnlyList<string> below)
    {
        bool written = record.Kind == Kind.Active;
        string image = written || below.Count == 0 ? ImageOf(directory) : CommittedOf(below[0]);
        ImageKind its = ImageKind.Of(image);
        Mount mount = new() { Type = its.Name, Source = _devices.Of(directory, image) };
        mount.Options.Add(written ? "rw" : "ro");
        mount.Options.AddRange(written ? its.Writing : its.Looking);
        return [mount];
    }

    /// <inheritdoc/>
    public async Task<FixedLayer> FixAsync(string directory, SnapshotRecord record)
    {
        string held = Path.Combine(directory, $"fixed-{Guid.NewGuid():N}");
        FixedLayer layer = new(new(0, 0), held, CommittedOf(directory));
        bool done = false;
        try
        {
            await LayerImage.HoldStillAsync(ImageOf(directory), time, () => LayerImage.Clone(ImageOf(directory), held));
            await LayerImage.MountAsync(directory, held, ImageKind.Of(held), time);   // what its journal has to do is done now: a view could not
            using BlockFile image = BlockFile.Open(held, writable: true);
            image.Flush();
            done = true;
            return layer with { Usage = CountAll(held) };
        }
        finally
        {
            if (!done)
            {
                layer.Dispose();
            }
        }
    }

    /// <summary>The blocks of its image, and its files: neither is more work for a larger one.</summary>
    public LayerUsage Measure(string directory, SnapshotRecord record)
    {
        string image = ImageOf(directory);
        LayerUsage all = CountAll(image);
        using DirectoryHandle? mounted = LayerImage.OpenMounted(image);
        return mounted is not null && FileSystem.Of(mounted, image) is FileSystem now ? all with { Files = now.Files - now.FreeFiles } : all;
    }

    /// <inheritdoc/>
    public void Resume(string directory, SnapshotRecord record)
    {
        LayerDevices.Unlink(directory);
        string[] stale =
        [
            .. FileCalls.Run(directory, () => Directory.GetFiles(directory, "fixed-*")),
            record.Kind == Kind.Committed ? ImageOf(directory) : CommittedOf(directory),
        ];
        foreach (string file in stale)
        {
            FileCalls.Run(file, () => File.Delete(file));
        }
    }

    /// <inheritdoc/>
    public void Release(string directory)
    {
        _devices.Release(directory);
        if (File.Exists(CommittedOf(directory)))
        {
            FileCalls.Run(directory, () => File.Delete(ImageOf(directory)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _devices.Dispose();
        _making.Dispose();
    }

    private static string ImageOf(string directory) => Path.Combine(directory, "image");

    private static string CommittedOf(string directory) => Path.Combine(directory, "committed");

    private string EmptyOf(ByteSize size) => Path.Combine(empties, string.Create(CultureInfo.InvariantCulture, $"{kind.Name}-{size.Bytes}"));

    private static LayerUsage CountAll(string image) => new(BlockFile.Look(image).Allocated, ImageKind.Of(image).CountFiles(image));

    private async Task GrowAsync(string directory, string path, ByteSize size)
    {
        using (BlockFile image = BlockFile.Open(path, writable: true))
        {
            image.SetLength(size.Bytes);
        }

        await ImageKind.Of(path).GrowAsync(directory, path, time);
    }

    // Made once for each size, and cloned: so all have one id, which the kernel is told to overlook.
    private async Task<string> EmptyAsync(ByteSize size)
    {
        string path = EmptyOf(size);
        await _making.WaitAsync();
        try
        {
            if (!File.Exists(path))
            {
                DurableFile.MakeDirectory(empties);
                string temporary = $"{path}.new";
                FileCalls.Run(temporary, () => File.Delete(temporary));
                using BlockFile image = BlockFile.Create(temporary);
                image.SetLength(size.Bytes);
                await kind.MakeAsync(temporary);
                await LayerImage.MountAsync(empties, temporary, kind, time, static point =>
                {
                    FileCalls.Run(point, () => Directory.EnumerateDirectories(point, "lost+found").ToList().ForEach(Directory.Delete));
                    return Task.CompletedTask;
                });
                image.Flush();
                DurableFile.Publish(temporary, path);
            }
        }
        finally
        {
            _making.Release();
        }

        return path;
    }
}
