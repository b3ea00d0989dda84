using System.IO.Pipes;
using System.Reflection;
using System.Text.Json.Nodes;
using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Engine;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>A profile of its own with the product's plugins, and an engine in this process that may be ended and started again.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    internal static PoolName Pool { get; } = new("data");
    internal static HostNqn Guest { get; } = new("nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555");

    private readonly TemporaryDirectory _directory = new();
    private StorageEngine? _engine;

    /// <summary>Writes the profile.</summary>
    /// <param name="images">Whether images may name files beneath a directory, <see cref="Bases"/>.</param>
    /// <param name="patience">How long a server of images is waited for, in seconds; a third of it may pass without a byte.</param>
    /// <param name="keep">Whether what an import has copied when it is cut short is kept.</param>
    internal TestEngine(bool images = false, int patience = 60, bool keep = false)
    {
        Directory.CreateDirectory(Bases);
        ProfilePath = _directory["test.json"];
        File.WriteAllText(ProfilePath, $$"""
            {
              "State": "{{State}}", "Run": "{{_directory["run"]}}",
              "Images": { "Directory": "{{(images ? Bases : "")}}", "Stall": "00:00:{{patience / 3:00}}", "Patience": "00:{{patience / 60:00}}:{{patience % 60:00}}", "Keep": "{{(keep ? "1.00:00:00" : "00:00:00")}}" },
              "Desired": { "Images": [ "{{Bases}}" ] },
              "Plugins": { "Directories": [ "{{BuiltHost.Plugins}}" ], "Enabled": [ "eve.file", "eve.nvmet-user", "eve.raw", "eve.qcow2" ] },
              "Pools": { "data": { "Kind": "file", "Devices": [ "${State}/pools/data" ] } },
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 0 } } }
            }
            """);
    }

    /// <summary>The profile's file, for programs.</summary>
    internal string ProfilePath { get; }

    /// <summary>The profile's state directory.</summary>
    internal string State => _directory["state"];

    /// <summary>The directory of files that images may name.</summary>
    internal string Bases => _directory["bases"];

    /// <summary>The pool's directory.</summary>
    internal string PoolPath => Path.Combine(State, "pools/data");

    /// <summary>The engine as who runs the tests sees it.</summary>
    internal IStorageApi Api => _engine!.For(new Caller(FileOwner.Ours));

    /// <summary>A part of the engine.</summary>
    internal T Part<T>()
        where T : notnull
        => ((IServiceProvider)typeof(StorageEngine).GetField("_services", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(_engine)!).GetRequiredService<T>();

    /// <summary>A file of the test's.</summary>
    internal string this[string name] => _directory[name];

    /// <summary>Says how much of an image is copied in a second behind a volume that lies over it, from the next start on; 0 for as much as there is.</summary>
    internal void LimitLazyCopy(long bytes)
    {
        JsonNode profile = JsonNode.Parse(File.ReadAllText(ProfilePath))!;
        profile["Images"]!["LazyRate"] = $"{bytes}";
        File.WriteAllText(ProfilePath, profile.ToJsonString());
    }

    /// <summary>Starts it, as a command does; or as a daemon does, which serves.</summary>
    internal async Task<TestEngine> StartAsync(bool serve = false)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(ProfilePath), problems);
        problems.ThrowIfAny(profile.Name);
        _engine = StorageEngine.Open(profile, PluginCatalog.Load(profile.Plugins), static logging => logging.SetMinimumLevel(LogLevel.Error).AddProvider(new TestLog()));
        await _engine.RecoverAsync(CancellationToken.None);
        if (serve)
        {
            await _engine.ServeAsync(CancellationToken.None);
        }

        return this;
    }

    /// <summary>Ends it.</summary>
    internal async Task EndAsync()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }

        _engine = null;
    }

    /// <summary>Runs a change to its end, whatever that is.</summary>
    internal async Task<OperationReport> RunAsync(ChangeRequest request, SafeFileHandle? image = null)
    {
        IStorageApi api = Api;
        Guid id = await api.SubmitAsync(request, image, CancellationToken.None);
        OperationReport? last = null;
        await foreach (OperationReport report in api.WatchOperationAsync(id, CancellationToken.None))
        {
            last = report;
        }

        return last!;
    }

    /// <summary>Runs a change with an image that comes through a pipe.</summary>
    internal async Task<OperationReport> RunPipedAsync(ChangeRequest request, Stream image)
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
        using SafeFileHandle reader = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Task<OperationReport> running = RunAsync(request, reader);
        Task copying = Task.Run(() => image.CopyTo(pipe, 1 << 16));
        if (await Task.WhenAny(running, copying) == running)
        {
            pipe.DisposeLocalCopyOfClientHandle();   // nobody reads any more, and whoever writes has to learn it
        }

        try
        {
            await copying;
        }
        catch (IOException)
        {
            // it was refused before its end
        }

        await pipe.DisposeAsync();
        return await running;
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

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _directory.Dispose();
    }

    /// <summary>Makes a volume of <paramref name="mebibytes"/>.</summary>
    internal static CreateVolume Create(string name, long mebibytes = 4) => new() { Pool = Pool, Volume = new(name), Size = ByteSize.MiB(mebibytes) };

    /// <summary>Makes a volume of an image.</summary>
    internal static ImportImage Import(string name, string? format = null)
        => new() { Pool = Pool, Volume = new(name), ImageName = "disk.img", Format = format, Verify = true };

    /// <summary>Exports a volume to the one guest.</summary>
    internal static AddExport Export(string name)
        => new() { Pool = Pool, Volume = new(name), AllowedHosts = new Dictionary<string, string?> { [$"{Guest}"] = null } };
}
