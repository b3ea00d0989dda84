using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EveStorage.Trials;

/// <summary>A backend as a host has it: from its plugin, with options and devices of a profile, and plans run as a host runs them.</summary>
public abstract class TrialMachine(string name, IReadOnlyList<string> devices) : IEventSink
{
    /// <summary>The pool.</summary>
    public PoolName Name { get; } = new(name);

    /// <summary>The drives that the profile names.</summary>
    public IReadOnlyList<string> Devices { get; } = devices;

    /// <summary>The backend, as it is after a start.</summary>
    public abstract IStorageBackend Backend { get; }

    /// <inheritdoc/>
    // What a drive told of while a trial runs is for whoever looks at its output.
    public void Report(StorageEvent storageEvent)
    {
        ArgumentNullException.ThrowIfNull(storageEvent);
        Console.WriteLine($"event: {storageEvent.Id} {storageEvent.Subject}: {storageEvent.Message}");
    }

    /// <summary>Makes the pool.</summary>
    public Task<OperationRequest> CreateAsync(PoolRedundancy redundancy)
        => RunAsync(Backend.PlanCreatePoolAsync(new() { Name = Name, Devices = Devices, Redundancy = redundancy }, default), $"pool:{Name}");

    /// <summary>Opens it.</summary>
    public ValueTask<IStoragePool> OpenAsync() => Backend.OpenPoolAsync(Name, default);

    /// <summary>Deletes it.</summary>
    public Task<OperationRequest> DeleteAsync() => RunAsync(Backend.PlanDeletePoolAsync(Name, default));

    /// <summary>Deletes all that is in a pool.</summary>
    public static async Task EmptyAsync(IStoragePool pool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        foreach (VolumeInfo volume in await pool.ListVolumesAsync(default).ToListAsync())
        {
            if (pool is ISnapshotPool snapshots)
            {
                foreach (SnapshotInfo snapshot in await snapshots.ListSnapshotsAsync(volume.Name, default).ToListAsync())
                {
                    await RunAsync(snapshots.PlanDeleteSnapshotAsync(snapshot.Name, default));
                }
            }

            await RunAsync(pool.PlanDeleteAsync(volume.Name, default));
        }
    }

    /// <inheritdoc cref="RunningPlans.RunAsync(ValueTask{Plan}, string[])"/>
    public static Task<OperationRequest> RunAsync(ValueTask<Plan> plan, params string[] made) => RunningPlans.RunAsync(plan, made);

    /// <inheritdoc cref="RunningPlans.RunAsync(Plan, OperationRequest, CancellationToken)"/>
    public static Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
        => RunningPlans.RunAsync(plan, request, cancellationToken);

    /// <summary>Runs a script, and gives what it printed. Under emulation even small ones may take long.</summary>
    protected static Task<string> ShellAsync(string script, Dictionary<string, string> environment)
        => (Command.Find("bash", new() { Stall = TimeSpan.FromMinutes(10) }) ?? throw new InvalidOperationException("bash is needed"))
            .With(environment)
            .RunAsync(["-euc", script], default);
}

/// <summary>The same of a plugin's one backend.</summary>
/// <typeparam name="TOptions">Its options.</typeparam>
public abstract class TrialMachine<TOptions>(IStoragePlugin plugin, string name, TOptions options, IReadOnlyList<string> devices) : TrialMachine(name, devices)
    where TOptions : class
{
    /// <inheritdoc/>
    public override IStorageBackend Backend
    {
        get
        {
            Registrar registrar = new();
            plugin.Register(registrar);
            return registrar.Create!(options, Give(new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = this, Name = $"{Name}", Devices = Devices }));
        }
    }

    /// <summary>What the backend is given, with more where it needs more.</summary>
    protected virtual PluginServices Give(PluginServices services) => services;

    private sealed class Registrar : IPluginRegistrar
    {
        internal Func<TOptions, PluginServices, IStorageBackend>? Create { get; private set; }

        public void AddBackend<TAny>(string kind, IValidateOptions<TAny> rules, Func<TAny, PluginServices, IStorageBackend> create)
            where TAny : class, new()
            => Create = (Func<TOptions, PluginServices, IStorageBackend>)(object)create;

        public void AddTransport<TAny>(string kind, IValidateOptions<TAny> rules, Func<TAny, PluginServices, IVolumeTransport> create)
            where TAny : class, new() => throw new NotSupportedException();

        public void AddLayer<TAny>(string kind, IValidateOptions<TAny> rules, Func<TAny, PluginServices, IVolumeLayer> create)
            where TAny : class, new() => throw new NotSupportedException();

        public void AddKeyProvider<TAny>(string kind, IValidateOptions<TAny> rules, Func<TAny, PluginServices, IKeyProvider> create)
            where TAny : class, new() => throw new NotSupportedException();

        public void AddFrontEnd<TAny>(string kind, IValidateOptions<TAny> rules, Func<TAny, PluginServices, IFrontEnd> create)
            where TAny : class, new() => throw new NotSupportedException();

        public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new NotSupportedException();
    }
}
