using EveStorage.Host.Api;
using EveStorage.Host.Engine;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>An engine whose profile has the tests' layer over or under its pool, and real keys in a directory.</summary>
internal sealed class LayeredPool : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _profile;
    private StorageEngine? _engine;

    internal LayeredPool(string placement)
    {
        Directory.CreateDirectory(Layers);
        Directory.CreateDirectory(Keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _profile = _directory["test.json"];
        File.WriteAllText(_profile, $$"""
            {
              "State": "{{_directory["state"]}}", "Run": "{{_directory["run"]}}",
              "Plugins": { "Directories": [ "{{BuiltHost.Plugins}}", "{{BuiltHost.Fixtures}}" ],
                           "Enabled": [ "eve.file", "eve.nvmet-user", "eve.raw", "eve.keys", "fixture.note-layer" ] },
              "Keys": { "Kind": "key-file", "Options": { "Directory": "{{Keys}}", "AllowPersistent": true } },
              "Pools": { "data": { "Kind": "file", "Devices": [ "{{_directory["pool"]}}" ],
                         "Layers": [ { "Kind": "note", "Placement": "{{placement}}", "Options": { "Directory": "{{Layers}}" } } ] } },
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 0 } } }
            }
            """);
    }

    internal string Layers => _directory["layers"];

    internal string Keys => _directory["keys"];

    internal string this[string name] => _directory[name];

    internal IStorageApi Api => _engine!.For(new Caller(FileOwner.Ours));

    internal IEnumerable<string> KeyFiles => Directory.EnumerateFiles(Keys, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Keys, path)).Order(StringComparer.Ordinal);

    internal IEnumerable<string> LayerFiles => Directory.EnumerateFileSystemEntries(Layers);

    /// <summary>Ends it and starts it again, as a reboot does, or a daemon.</summary>
    internal async Task<LayeredPool> StartAsync(bool serve = false)
    {
        await EndAsync();
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(_profile), problems);
        problems.ThrowIfAny(profile.Name);
        _engine = StorageEngine.Open(profile, PluginCatalog.Load(profile.Plugins), static logging => logging.SetMinimumLevel(LogLevel.None));
        await _engine.RecoverAsync(CancellationToken.None);
        if (serve)
        {
            await _engine.ServeAsync(CancellationToken.None);
        }

        return this;
    }

    /// <summary>Runs a change to its end, whatever that is.</summary>
    internal async Task<OperationReport> RunAsync(ChangeRequest request, SafeFileHandle? image = null)
    {
        IStorageApi api = Api;
        Guid id = await api.SubmitAsync(request, image, CancellationToken.None);
        return await api.WatchOperationAsync(id, CancellationToken.None).LastAsync();
    }

    /// <summary>Runs changes, each of which has to succeed.</summary>
    internal async Task DoAsync(params ChangeRequest[] requests)
    {
        foreach (ChangeRequest request in requests)
        {
            OperationReport report = await RunAsync(request);
            report.State.ShouldBe(OperationState.Succeeded, report.Error?.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _directory.Dispose();
    }

    private async Task EndAsync()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
            _engine = null;
        }
    }
}
