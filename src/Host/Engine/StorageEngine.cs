using EveStorage.Cli.Api;
using EveStorage.Conformance;
using EveStorage.Host.Checks;
using EveStorage.Host.Composition;
using EveStorage.Host.Desired;
using EveStorage.Host.Events;
using EveStorage.Host.FileSystems;
using EveStorage.Host.FrontEnds;
using EveStorage.Host.Images;
using EveStorage.Host.Lazy;
using EveStorage.Host.Locks;
using EveStorage.Host.Metrics;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Changes;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Engine;

/// <summary>
/// The host without a front: a profile's parts, and the operations on them. A daemon and a command without one open the same,
/// and share its locks and its journal.
/// </summary>
internal sealed class StorageEngine : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private bool _serves;

    private StorageEngine(ServiceProvider services) => _services = services;

    /// <summary>The profile it was opened with.</summary>
    internal Profile Profile => _services.GetRequiredService<Profile>();

    /// <summary>Opens it. Nothing of the profile's is opened yet, and nothing is changed.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="catalog">Its plugins.</param>
    /// <param name="logging">Where it logs.</param>
    /// <param name="spare">A worker that is ready; null where none is.</param>
    internal static StorageEngine Open(Profile profile, PluginCatalog catalog, Action<ILoggingBuilder> logging, SpareWorker? spare = null)
        => new(new ServiceCollection()
            .AddLogging(logging)
            .AddMetrics()
            .AddSingleton(TimeProvider.System)
            .AddSingleton(profile)
            .AddSingleton(catalog)
            .AddSingleton(_ => spare ?? SpareWorker.Once(isWanted: false))
            .AddSingleton<EventLog>()
            .AddSingleton<IEventSink>(static services => services.GetRequiredService<EventLog>())
            .AddSingleton<TakenDrives>()
            .AddSingleton<KnownPools>()
            .AddSingleton<StorageParts>()
            .AddSingleton<LockedPools>()
            .AddSingleton<PoolOpening>()
            .AddSingleton<OpenPools>()
            .AddSingleton<StorageLocks>()
            .AddSingleton(static services => new Journal(services.GetRequiredService<Profile>()))
            .AddSingleton<KnownRecords>()
            .AddSingleton<StalledPools>()
            .AddSingleton<PluginFaults>()
            .AddSingleton(static services => new PlanRunner(
                services.GetRequiredService<ILogger<PlanRunner>>(), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<StalledPools>(), services.GetRequiredService<PluginFaults>())
            {
                StallTimeout = services.GetRequiredService<Profile>().Operations.Stall,
                StopTimeout = services.GetRequiredService<Profile>().Operations.Stop,
            })
            .AddSingleton<ImageConversion>()
            .AddSingleton<LazyVolumes>()
            .AddSingleton<ChangePlanners>()
            .AddSingleton<OperationTools>()
            .AddSingleton<OperationRunner>()
            .AddSingleton<ExportRestore>()
            .AddSingleton<RecordedMounts>()
            .AddSingleton<FileSystemRestore>()
            .AddSingleton<FileSystemWatch>()
            .AddSingleton<FileSystemOverview>()
            .AddSingleton<FrontEndStart>()
            .AddSingleton<PoolWatch>()
            .AddSingleton<KeptImports>()
            .AddSingleton<PoolCare>()
            .AddSingleton<Func<Caller, IStorageApi>>(static services => caller => ActivatorUtilities.CreateInstance<LocalApi>(services, caller))
            .AddSingleton<DesiredWatch>()
            .AddSingleton<ServingDiagnosis>()
            .AddSingleton<Diagnosis>()
            .AddSingleton<Overview>()
            .AddSingleton<HostMetrics>()
            .AddSingleton<PoolCheck>()
            .Scan(static types => types.FromTypes(OwnTypes.In(typeof(PlanImportImage).Namespace!, typeof(RecordedMounts).Namespace!))
                .AddClasses(static planners => planners.AssignableTo(typeof(ChangePlanner<>)), publicOnly: false)
                .As<IChangePlanner>()
                .WithSingletonLifetime())
            .Decorate<IChangePlanner, LazyRule>()
            .Decorate<IChangePlanner, TimedPlanner>()
            .BuildServiceProvider());

    /// <summary>What <paramref name="caller"/> may ask.</summary>
    internal IStorageApi For(Caller caller) => _services.GetRequiredService<Func<Caller, IStorageApi>>()(caller);

    /// <summary>Does every repair that needs no decision: what a crash cut short is finished or undone.</summary>
    internal Task RecoverAsync(CancellationToken cancellationToken)
        => _services.GetRequiredService<OperationRunner>().RecoverAsync(cancellationToken);

    /// <summary>Serves from now on what the records say, and what is asked for.</summary>
    internal async Task ServeAsync(CancellationToken cancellationToken)
    {
        _serves = true;
        OperationRunner runner = _services.GetRequiredService<OperationRunner>();
        runner.Serves = true;
        _services.GetRequiredService<LazyVolumes>().RunAsync = runner.RunOwnAsync;
        await _services.GetRequiredService<FileSystemRestore>().RunAsync(cancellationToken);
        await _services.GetRequiredService<ExportRestore>().RunAsync(cancellationToken);
        _services.GetRequiredService<PoolWatch>().Start();
        _services.GetRequiredService<FileSystemWatch>().Start();
        _services.GetRequiredService<FrontEndStart>().Start();
        _services.GetRequiredService<KeptImports>().Start();
        _services.GetRequiredService<PoolCare>().Start();
        _services.GetRequiredService<DesiredWatch>().Start();
    }

    /// <summary>Asks the operations that run to stop and to undo what they did.</summary>
    internal void CancelOperations() => _services.GetRequiredService<OperationRunner>().CancelAll();

    /// <summary>Holds a pool to the contract.</summary>
    internal IAsyncEnumerable<PromiseReport> CheckAsync(PoolName pool, TimeSpan limit, CancellationToken cancellationToken)
        => _services.GetRequiredService<PoolCheck>().RunAsync(pool, limit, cancellationToken);

    /// <summary>Stops operations, then exports, then closes the pools. File systems stay mounted: those who use them are not ours to stop.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_serves)   // a command makes none of these, and must not to end
        {
            await _services.GetRequiredService<DesiredWatch>().DisposeAsync();
            await _services.GetRequiredService<FrontEndStart>().DisposeAsync();
            await _services.GetRequiredService<PoolWatch>().DisposeAsync();
            await _services.GetRequiredService<FileSystemWatch>().DisposeAsync();
            await _services.GetRequiredService<KeptImports>().DisposeAsync();
            await _services.GetRequiredService<PoolCare>().DisposeAsync();
        }

        await _services.GetRequiredService<LazyVolumes>().StopAsync();
        await _services.GetRequiredService<OperationRunner>().DisposeAsync();
        await _services.GetRequiredService<StorageParts>().DisposeAsync();
        await _services.GetRequiredService<LazyVolumes>().DisposeAsync();
        await _services.GetRequiredService<OpenPools>().DisposeAsync();
        await _services.DisposeAsync();
    }
}
