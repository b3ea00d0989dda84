using EveStorage.Linux;
using EveStorage.Zfs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EveStorage.ZfsTrial;

/// <summary>The backend as a host has it: from its plugin, with options and devices of a profile, and plans run as a host runs them.</summary>
internal sealed class Machine(string name, ZfsOptions options, params IReadOnlyList<string> devices) : IEventSink
{
    internal TrialKeys Keys { get; } = new();

    internal PoolName Name { get; } = new(name);

    internal IReadOnlyList<string> Devices { get; } = devices;

    internal IStorageBackend Backend
    {
        get
        {
            Registrar registrar = new();
            new ZfsPlugin().Register(registrar);
            PluginServices services = new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = this, Name = $"{Name}", Devices = Devices, Keys = Keys };
            return registrar.Create!(options, services);
        }
    }

    // What a drive told of while a trial runs is for whoever looks at its output.
    public void Report(StorageEvent storageEvent) => Console.WriteLine($"event: {storageEvent.Id} {storageEvent.Subject}: {storageEvent.Message}");

    internal async Task<OperationRequest> CreateAsync(PoolRedundancy redundancy)
    {
        PoolSpec spec = new() { Name = Name, Devices = Devices, Redundancy = redundancy };
        return await RunAsync(Backend.PlanCreatePoolAsync(spec, default), $"pool:{Name}");
    }

    internal ValueTask<IStoragePool> OpenAsync() => Backend.OpenPoolAsync(Name, default);

    internal Task<OperationRequest> DeleteAsync() => RunAsync(Backend.PlanDeletePoolAsync(Name, default));

    /// <summary>Runs a plan that makes <paramref name="made"/>; what fails is reverted, last first.</summary>
    internal static async Task<OperationRequest> RunAsync(ValueTask<Plan> plan, params string[] made)
    {
        OperationRequest request = new() { Id = Guid.NewGuid(), Ids = made.ToDictionary(name => name, _ => Guid.NewGuid()) };
        await RunAsync(await plan, request, default);
        return request;
    }

    internal static async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        OperationContext context = ContextOf(request);
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
        catch (StorageException cause)
        {
            foreach (StorageStep step in changed.Append(running).OfType<StorageStep>().Reverse())
            {
                try
                {
                    await step.RevertAsync(context, CancellationToken.None);
                }
                catch (StorageException failure)
                {
                    throw new AggregateException(cause, failure);
                }
            }

            throw;
        }
    }

    internal static OperationContext ContextOf(OperationRequest request)
        => new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);

    /// <summary>Runs a script, and gives what it printed. Under emulation even small ones may take long.</summary>
    internal static Task<string> ShellAsync(string script)
        => (Command.Find("bash", new() { Stall = TimeSpan.FromMinutes(10) }) ?? throw new InvalidOperationException("bash is needed"))
            .RunAsync(["-euc", script], default);

    private sealed class Registrar : IPluginRegistrar
    {
        internal Func<ZfsOptions, PluginServices, IStorageBackend>? Create { get; private set; }

        public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
            where TOptions : class, new()
            => Create = (Func<ZfsOptions, PluginServices, IStorageBackend>)(object)create;

        public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
            where TOptions : class, new() => throw new NotSupportedException();

        public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
            where TOptions : class, new() => throw new NotSupportedException();

        public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
            where TOptions : class, new() => throw new NotSupportedException();

        public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new NotSupportedException();
    }
}
