using EveStorage.ContainerdSnapshotter;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.Tests;

/// <summary>Layers that are file systems of their own, mounted as containerd would.</summary>
public abstract class MountedLayers : IAsyncLifetime
{
    private readonly SnapshotterDirectory _directory = new();
    private readonly Stack<string> _mounted = [];
    private LoopFileSystem _place = null!;
    private SnapshotSets _sets = null!;

    /// <summary>Where they lie.</summary>
    private protected string Place => _place.Path;

    private protected SnapshotSet Set => _sets.Of("eve.storage");

    private protected ContainerdSnapshotterOptions Options
    {
        get
        {
            ContainerdSnapshotterOptions options = _directory.OptionsIn(_place.Path);
            options.LayerSize = ByteSize.MiB(64);
            return options;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _place = await LoopFileSystem.MakeAsync("xfs", ByteSize.MiB(512));
        _sets = await SnapshotSets.OpenAsync(Options, _directory.Services);
    }

    public async ValueTask DisposeAsync()
    {
        while (_mounted.TryPop(out string? point))
        {
            await LoopFileSystem.UnmountAsync(point);
        }

        await _sets.DisposeAsync();
        await _place.DisposeAsync();
        await _directory.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static async Task WriteAsync(string point, string name, string content)
    {
        string path = Path.Combine(point, name);
        await File.WriteAllTextAsync(path, content);
        MountedFileSystem.Sync(point);
    }

    private protected static Task<string> ReadAsync(string point, string name) => File.ReadAllTextAsync(Path.Combine(point, name));

    private protected async Task<string> MountAsync(IReadOnlyList<Mount> mounts)
    {
        Mount mount = mounts.ShouldHaveSingleItem();
        string point = Directory.CreateDirectory(_directory[$"point-{Guid.NewGuid():N}"]).FullName;
        await Command.Find("mount")!.RunAsync(["-t", mount.Type, "-o", string.Join(',', mount.Options), mount.Source, point], TestContext.Current.CancellationToken);
        _mounted.Push(point);
        return point;
    }

    /// <summary>Mounts something else on <paramref name="point"/>.</summary>
    private protected async Task CoverAsync(string point)
    {
        await Command.Find("mount")!.RunAsync(["-t", "tmpfs", "tmpfs", point], TestContext.Current.CancellationToken);
        _mounted.Push(point);
    }

    /// <summary>Another way to where they lie.</summary>
    private protected string LinkToPlace() => Directory.CreateSymbolicLink(_directory["link"], Place).FullName;

    private protected Task UnmountAsync() => LoopFileSystem.UnmountAsync(_mounted.Pop());

    private protected async Task RestartAsync(ContainerdSnapshotterOptions? options = null)
    {
        await _sets.DisposeAsync();
        _sets = await SnapshotSets.OpenAsync(options ?? Options, _directory.Services);
    }
}
