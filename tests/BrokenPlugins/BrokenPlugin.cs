using EveStorage.FileBacked;
using Microsoft.Extensions.Options;

namespace EveStorage.Broken;

/// <summary>A plugin with the backend of pools of files, broken in one place. Each is the smallest that breaks it.</summary>
public abstract class BrokenPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        new FileBackedPlugin().Register(new Renamed(registrar, backend => new PassingBackend(backend, Break, BreakPlaceOf)));
    }

    /// <summary>Breaks a pool.</summary>
    protected virtual IStoragePool Break(IStoragePool pool) => pool;

    /// <summary>Breaks the place of a pool that is about to be planned.</summary>
    protected virtual void BreakPlaceOf(PoolSpec spec)
    {
    }

    private sealed class Renamed(IPluginRegistrar inner, Func<IStorageBackend, IStorageBackend> breakIt) : IPluginRegistrar
    {
        public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
            where TOptions : class, new() => inner.AddBackend("broken", rules, (options, services) => breakIt(create(options, services)));

        public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
            where TOptions : class, new() => throw new InvalidOperationException();

        public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
            where TOptions : class, new() => throw new InvalidOperationException();

        public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
            where TOptions : class, new() => throw new InvalidOperationException();

        public void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
            where TOptions : class, new() => throw new InvalidOperationException();

        public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new InvalidOperationException();
    }

    private sealed class PassingBackend(IStorageBackend inner, Func<IStoragePool, IStoragePool> breakIt, Action<PoolSpec> breakPlaceOf) : IStorageBackend
    {
        public async ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
        {
            BackendCapabilities capabilities = (await inner.ProbeAsync(cancellationToken)).Capabilities!;
            return ProbeResult.Usable(capabilities with { Traits = capabilities.Traits | Claimed });
        }

        public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
        {
            breakPlaceOf(spec);
            return inner.PlanCreatePoolAsync(spec, cancellationToken);
        }

        public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken) => inner.PlanDeletePoolAsync(name, cancellationToken);

        public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => inner.PlanClosePoolAsync(name, cancellationToken);

        public async ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken) => breakIt(await inner.OpenPoolAsync(name, cancellationToken));

        // What only the broken one claims; the pool that is broken says so too.
        private VolumeTraits Claimed => breakIt.Target is IClaimsMore more ? more.Claims : VolumeTraits.None;
    }
}

/// <summary>Claims traits that its pools do not have.</summary>
internal interface IClaimsMore
{
    VolumeTraits Claims { get; }
}
