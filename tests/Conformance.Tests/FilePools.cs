using EveStorage.FileBacked;
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
        await PlainRunner.RunAsync(await backend.PlanCreatePoolAsync(new() { Name = Name, Devices = [] }, default), request, default);
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

/// <summary>Runs plans as the host does, without its journal.</summary>
internal static class PlainRunner
{
    internal static async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        OperationContext context = new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
        List<StorageStep> changed = [];
        StorageStep? running = null;
        try
        {
            foreach (StorageStep step in plan.Steps)
            {
                running = step;
                if (await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed)
                {
                    changed.Add(step);
                }

                running = null;
            }

            return changed;
        }
        catch (StorageException)
        {
            foreach (StorageStep step in changed.Append(running).OfType<StorageStep>().Reverse())
            {
                await step.RevertAsync(context, CancellationToken.None);
            }

            throw;
        }
    }
}
