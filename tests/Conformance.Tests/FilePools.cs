using EveStorage.FileBacked;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

/// <summary>Gets a pool out of the file plugin as a host does: through its registration.</summary>
internal sealed class FilePools(string directory) : IPluginRegistrar, IEventSink
{
    private Func<PluginServices, IStorageBackend>? _create;

    internal static PoolName Name { get; } = new("data");

    internal async Task<IStoragePool> MakeAsync()
    {
        new FileBackedPlugin().Register(this);
        IStorageBackend backend = _create!(new()
        {
            Loggers = NullLoggerFactory.Instance,
            Time = TimeProvider.System,
            Events = this,
            Name = $"{Name}",
            Devices = [Path.Combine(directory, "data")],
        });
        OperationRequest request = new() { Id = Guid.NewGuid(), Ids = new Dictionary<string, Guid> { [$"pool:{Name}"] = Guid.NewGuid() } };
        await RunningPlans.RunAsync(await backend.PlanCreatePoolAsync(new() { Name = Name, Devices = [] }, default), request, default);
        return await backend.OpenPoolAsync(Name, default);
    }

    public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
        where TOptions : class, new() => _create = services => create(new(), services);

    public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new InvalidOperationException();

    public void Report(StorageEvent storageEvent)
    {
        // Nothing here is about events.
    }
}
