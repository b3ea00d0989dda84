using EveStorage.ContainerdSnapshotter;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>A directory of layers, and whoever serves it, who may be ended and started again.</summary>
internal sealed class SnapshotterDirectory : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    internal SnapshotterDirectory()
    {
        Assert.SkipUnless(Environment.UserName == "root" || Environment.GetEnvironmentVariable("CI") == "true", "needs root");
        Directory.CreateDirectory(Options.Directory);
    }

    internal ContainerdSnapshotterOptions Options => OptionsIn(_directory["layers"]);

    internal PluginServices Services { get; } = new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = new NoEvents(), Name = "containerd" };

    internal string Path => _directory.Path;

    internal string this[string name] => _directory[name];

    internal Task<SnapshotSets> OpenAsync() => SnapshotSets.OpenAsync(Options, Services);

    internal ContainerdSnapshotterOptions OptionsIn(string layers)
        => new() { Directory = layers, Socket = _directory["snapshots.sock"], MaxSnapshots = 1000 };

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class NoEvents : IEventSink
    {
        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
