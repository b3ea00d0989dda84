using System.Text.RegularExpressions;
using EveStorage.Linux;
using Microsoft.Extensions.Logging;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>The snapshots of each name that containerd gives its snapshotter. One process has them: a lock on the directory says so.</summary>
internal sealed partial class SnapshotSets : IAsyncDisposable
{
    private const int MaxSets = 1000;

    private readonly string _directory;
    private readonly int _most;
    private readonly TimeProvider _time;
    private readonly FileLock _held;
    private readonly LayerForms _forms;
    private readonly LayerRemoval _removal;
    private readonly Dictionary<string, SnapshotSet> _sets = [];
    private readonly Lock _lock = new();

    private SnapshotSets(string directory, int most, PluginServices services, FileLock held, LayerForms forms)
    {
        (_directory, _most, _time, _held, _forms) = (directory, most, services.Time, held, forms);
        _removal = new(services.Loggers.CreateLogger<LayerRemoval>());
    }

    /// <summary>Opens those in the directory, and goes on removing what was being removed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: the directory is not there. <see cref="StorageErrorKind.Busy"/>: another process has it.</exception>
    internal static async Task<SnapshotSets> OpenAsync(ContainerdSnapshotterOptions options, PluginServices services)
    {
        if (!Directory.Exists(options.Directory))
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, options.Directory, "is not there: make it, best in a file system of its own (`evestorage fs create containers SIZE`)");
        }

        string directory = RealPathOf(options.Directory);
        FileLock held = FileLock.TryAcquire(Path.Combine(directory, "lock"), "serves snapshots to containerd")
            ?? throw new StorageException(StorageErrorKind.Busy, directory, $"is used by {FileLock.HolderOf(Path.Combine(directory, "lock"))}");
        SnapshotSets? sets = null;
        bool opened = false;
        try
        {
            await LayerImage.ResumeAsync(directory, services.Time);
            sets = new(directory, options.MaxSnapshots, services, held, LayerForms.Open(options, directory, services.Time));
            foreach (string name in Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path)).Where(name => Name.IsMatch(name)))
            {
                sets.Of(name);
            }

            opened = true;
            return sets;
        }
        finally
        {
            if (!opened)
            {
                await (sets?.DisposeAsync() ?? ValueTask.CompletedTask);
                held.Dispose();
            }
        }
    }

    /// <summary>Those of a name.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: it can't be one.</exception>
    internal SnapshotSet Of(string snapshotter)
    {
        if (!Name.IsMatch(snapshotter))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, snapshotter, "is no name of a snapshotter: 1 to 76 letters, digits, '.', '_' and '-', a letter or digit first");
        }

        lock (_lock)
        {
            if (!_sets.TryGetValue(snapshotter, out SnapshotSet? set))
            {
                if (_sets.Count >= MaxSets)
                {
                    throw new StorageException(StorageErrorKind.OutOfSpace, snapshotter, $"would be one more than {MaxSets} names of snapshotters");
                }

                set = new(new(Path.Combine(_directory, snapshotter)), _forms, _removal, _time, _most);
                _sets.Add(snapshotter, set);
            }

            return set;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _removal.DisposeAsync();
        _forms.Dispose();
        _held.Dispose();
    }

    // The kernel names the files of its devices, and what is mounted, by paths without links: ours are compared with those.
    private static string RealPathOf(string directory)
    {
        using DirectoryHandle opened = DirectoryHandle.Open(Path.Combine(directory, "."));   // where a link leads
        string real = opened.RealPath;
        return ContainerdSnapshotterOptionsValidator.CanHold(real)
            ? real
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, directory, $"leads to {real}, and layers can't lie beneath a path with ':', ',', '\\' or '\"'");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,75}\z")]
    private static partial Regex Name { get; }
}
