using System.Reflection;
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

/// <summary>An engine whose pool of files has the layers ext4 and xfs. It needs root, loop devices and both kinds' programs.</summary>
internal sealed class FileSystemHost : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<IAsyncDisposable> _owned = [];
    private StorageEngine? _engine;

    internal FileSystemHost()
    {
        string[] programs = ["mkfs.ext4", "tune2fs", "resize2fs", "mkfs.xfs", "xfs_db", "xfs_growfs", "wipefs"];
        bool can = Environment.UserName == "root" && File.Exists("/dev/loop-control") && programs.All(program => Command.Find(program) is not null);
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", $"needs root, loop devices and {string.Join(", ", programs)}");
        PoolDirectory = _directory["pool"];
        Directory.CreateDirectory(Images);
    }

    internal static PoolName Pool { get; } = new("data");

    /// <summary>Where the pool lies, from the next start on.</summary>
    internal string PoolDirectory { get; set; }

    /// <summary>The directory beneath which it mounts.</summary>
    internal string Mounts => _directory["mounts"];

    /// <summary>Where images of desired states lie.</summary>
    internal string Images => _directory["images"];

    /// <summary>The directory of desired states that it applies, from the next start on; empty for none.</summary>
    internal string Watched { get; set; } = "";

    /// <summary>A pool that makes file systems by itself, in place of the pool of files; null for that.</summary>
    internal NativePool? Native { get; init; }

    internal string this[string name] => _directory[name];

    internal IStorageApi Api => _engine!.For(new Caller(FileOwner.Ours));

    /// <summary>The parts of the engine that runs.</summary>
    internal IServiceProvider Parts => (IServiceProvider)typeof(StorageEngine).GetField("_services", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(_engine)!;

    internal static CreateFileSystem Create(string name, long mebibytes = 32, bool reserved = false, string? at = null, string? kind = null)
        => new() { Pool = Pool, Volume = new(name), Size = ByteSize.MiB(mebibytes), Reserved = reserved, At = at, Kind = kind };

    /// <summary>Starts it, or ends it and starts it again.</summary>
    internal async Task<FileSystemHost> StartAsync(bool serve = false)
    {
        await EndAsync();
        string path = _directory["test.json"];
        await File.WriteAllTextAsync(path, $$"""
            {
              "State": "{{_directory["state"]}}", "Run": "{{_directory["run"]}}",
              "FileSystems": { "Directory": "{{Mounts}}" },
              "Plugins": { "Directories": [ "{{BuiltHost.Plugins}}" ], "Enabled": [ "eve.file", "eve.ext4", "eve.xfs", "eve.nvmet-user", "eve.raw" ] },
              "Desired": { "Images": [ "{{Images}}" ], "Directory": "{{Watched}}" },
              "Pools": { "data": { "Kind": "{{(Native is null ? "file" : NativePool.Backend)}}", "Devices": [ "{{PoolDirectory}}" ], "Layers": [ { "Kind": "ext4" }, { "Kind": "xfs" } ] } },
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 0 } } }
            }
            """);
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(path), problems);
        problems.ThrowIfAny(profile.Name);
        PluginCatalog catalog = PluginCatalog.Load(profile.Plugins);
        Native?.Register(catalog.Entries.First(entry => entry.Parts is not null).Parts!);
        _engine = StorageEngine.Open(profile, catalog, static logging => logging.SetMinimumLevel(LogLevel.None));
        await _engine.RecoverAsync(CancellationToken.None);
        if (serve)
        {
            await _engine.ServeAsync(CancellationToken.None);
        }

        return this;
    }

    internal async Task EndAsync()
    {
        foreach (IAsyncDisposable owned in _owned)
        {
            await owned.DisposeAsync();
        }

        _owned.Clear();
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
            _engine = null;
        }
    }

    /// <summary>Ends it and unmounts all that it mounted, as a reboot does.</summary>
    internal async Task RebootAsync(bool serve = true)
    {
        await EndAsync();
        await UnmountAllAsync(Mounts);
        await StartAsync(serve);
    }

    internal async Task<OperationReport> RunAsync(ChangeRequest request, SafeFileHandle? image = null)
    {
        IStorageApi api = Api;
        Guid id = await api.SubmitAsync(request, image, CancellationToken.None);
        return await api.WatchOperationAsync(id, CancellationToken.None).LastAsync();
    }

    internal async Task DoAsync(params ChangeRequest[] requests)
    {
        foreach (ChangeRequest request in requests)
        {
            OperationReport report = await RunAsync(request);
            report.State.ShouldBe(OperationState.Succeeded, report.Error?.Message);
        }
    }

    /// <summary>Plans a request, with the ids that are drawn for it.</summary>
    internal async Task<(OperationRequest Operation, Plan Plan)> PlanAsync(ChangeRequest request, SafeFileHandle? image = null)
    {
        OperationTools tools = Part<OperationTools>();
        Guid id = Guid.NewGuid();
        OperationRequest operation = new() { Id = id, Ids = tools.Planners.For(request).Makes(request, id).ToDictionary(name => name, _ => Guid.NewGuid()) };
        PlanningContext context = new()
        {
            Operation = operation,
            Parts = tools.Parts,
            Pools = tools.Pools,
            Records = tools.Records,
            Images = tools.Images,
            Serves = Part<OperationRunner>().Serves,
            Recovering = false,
            Image = image,
            Owns = _owned.Add,
            Result = static (_, _) => { },
        };
        return (operation, await tools.Planners.For(request).PlanAsync(request, context, default));
    }

    /// <summary>Journals a request and runs some of its steps, as a host does that ends there.</summary>
    /// <returns>How many steps there are.</returns>
    internal async Task<int> CutAsync(ChangeRequest request, int done, SafeFileHandle? image = null)
    {
        (OperationRequest operation, Plan plan) = await PlanAsync(request, image);
        OperationTools tools = Part<OperationTools>();
        tools.Journal.Write(new()
        {
            Ids = operation.Ids,
            Targets = await OperationTargets.ReadAsync(tools.Pools, request, tools.Planners.For(request).Owns(request, operation.Id), default),
            Operation = new()
            {
                Id = operation.Id,
                Request = request,
                UserId = 0,
                Started = TimeProvider.System.GetUtcNow(),
                State = OperationState.Running,
                Steps = [.. plan.Steps.Select(step => new StepReport(step.Title, StepState.Pending))],
            },
        });
        foreach (StorageStep step in plan.Steps.Take(done))
        {
            await step.ApplyAsync(RunningPlans.ContextOf(operation), default);
        }

        return plan.Steps.Count;
    }

    /// <summary>Runs a change that is refused when it is planned.</summary>
    internal Task<StorageException> RefusedAsync(ChangeRequest request) => Should.ThrowAsync<StorageException>(() => RunAsync(request));

    internal Task<FileSystemReport> ShowAsync(string name) => Api.GetFileSystemAsync(Pool, new(name), default);

    internal string PointOf(string at) => Path.Combine(Mounts, at);

    internal T Part<T>()
        where T : notnull => Parts.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await UnmountAllAsync(_directory.Path);
        _directory.Dispose();
    }

    private static async Task UnmountAllAsync(string beneath)
    {
        foreach (Mount mount in MountTable.Read().Where(mount => mount.Point.StartsWith($"{beneath}/", StringComparison.Ordinal)).Reverse())
        {
            await MountUse.EndAsync(mount.Point, mount.Point, TimeProvider.System, default);   // a program that is being started has what this process has open
        }
    }
}
