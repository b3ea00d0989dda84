using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
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

    internal LayeredPool(string placement, params string[] drives)
    {
        Directory.CreateDirectory(Layers);
        Directory.CreateDirectory(Keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _profile = _directory["test.json"];
        string layers = placement.Length == 0
            ? ""
            : $$"""{ "Kind": "note", "Placement": "{{placement}}", "Options": { "Directory": "{{Layers}}" } }""";
        Pools = drives.Length == 0
            ? _ => $$"""{ "data": { "Kind": "file", "Devices": [ "{{_directory["pool"]}}" ], "Layers": [ {{layers}} ] } }"""
            : named => $$"""{ "data": { "Kind": "shelf", "Devices": [ {{string.Join(", ", named.Select(drive => $"\"{_directory[drive]}\""))}} ], "Layers": [ {{layers}} ] } }""";
        Drives = drives;
        foreach (string drive in drives)
        {
            MakeDrive(drive);
        }
    }

    /// <summary>The drives that the profile names from the next start on.</summary>
    internal string[] Drives { get; set; }

    /// <summary>What the profile says of its pools, of those drives, from the next start on.</summary>
    internal Func<string[], string> Pools { get; set; }

    /// <summary>Where keys come from, from the next start on.</summary>
    internal string KeySource { get; set; } = "key-file";

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
        WriteProfile();
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

    /// <summary>A directory that stands for a drive.</summary>
    internal string MakeDrive(string drive) => Directory.CreateDirectory(_directory[drive], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;

    /// <summary>Takes a drive away, or brings it back.</summary>
    internal void Unplug(string drive) => Directory.Move(_directory[drive], _directory[$"{drive}-away"]);

    /// <inheritdoc cref="Unplug"/>
    internal void Plug(string drive) => Directory.Move(_directory[$"{drive}-away"], _directory[drive]);

    /// <summary>Ends it, and leaves no layer open, as a reboot does.</summary>
    internal async Task RebootAsync()
    {
        await EndAsync();
        foreach (string open in LayerFiles.ToArray())
        {
            File.Delete(open);
        }

        await StartAsync();
    }

    /// <summary>Runs a change that is refused when it is planned.</summary>
    internal async Task<StorageException> RefusedAsync(ChangeRequest request) => await Should.ThrowAsync<StorageException>(() => RunAsync(request));

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

    private void WriteProfile()
    {
        string persistent = KeySource == "key-file" ? """, "AllowPersistent": true""" : "";
        File.WriteAllText(_profile, $$"""
            {
              "State": "{{_directory["state"]}}", "Run": "{{_directory["run"]}}",
              "Plugins": { "Directories": [ "{{BuiltHost.Plugins}}", "{{BuiltHost.Fixtures}}" ],
                           "Enabled": [ "eve.file", "eve.nvmet-user", "eve.raw", "eve.keys", "fixture.note-layer", "fixture.shelf-pool" ] },
              "Keys": { "Kind": "{{KeySource}}", "Options": { "Directory": "{{Keys}}"{{persistent}} } },
              "Pools": {{Pools(Drives)}},
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 0 } } }
            }
            """);
    }

    internal async Task EndAsync()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
            _engine = null;
        }
    }
}
