using System.Runtime.CompilerServices;
using EveStorage.Conformance;
using EveStorage.Host.Events;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Host.Checks;

/// <summary>What a plugin is checked with.</summary>
internal sealed record TrialPlace
{
    /// <summary>The devices or directories for the pool that is made.</summary>
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary>The options of the part, by their keys.</summary>
    public required IReadOnlyDictionary<string, string?> Options { get; init; }

    /// <summary>The one of its kinds to check; null for the only one that the kit knows.</summary>
    public string? Kind { get; init; }

    /// <summary>How long a promise may take.</summary>
    public required TimeSpan Limit { get; init; }
}

/// <summary>
/// Holds a plugin's backend or transport to the contract: in a pool that is made for it in a place that a person names, or with
/// volumes in memory. Nothing of a profile but where plugins lie is used, and nothing else is touched.
/// </summary>
internal sealed class PluginTrial(PluginsOptions plugins, string id, TrialPlace place)
{
    private static readonly PoolName s_pool = new("conformance");

    private readonly IConfigurationSection _options = new ConfigurationBuilder()
        .AddInMemoryCollection(place.Options.Select(option => KeyValuePair.Create($"Options:{option.Key}", option.Value)))
        .Build().GetSection("Options");

    /// <summary>Runs every promise.</summary>
    /// <exception cref="StorageException">It can't be loaded, has no part that the kit is about, or its place is taken.</exception>
    internal IAsyncEnumerable<PromiseReport> RunAsync(CancellationToken cancellationToken)
    {
        PluginsOptions alone = new() { Directories = plugins.Directories, Enabled = [id], Pins = plugins.Pins.Where(pin => pin.Key == id).ToDictionary() };
        PluginCatalog catalog = PluginCatalog.Load(alone);
        PartRegistry parts = PartsOf(catalog);
        KitPlans plans = new(new PlanRunner(NullLogger<PlanRunner>.Instance, TimeProvider.System, new(Events()), new(catalog)) { StallTimeout = place.Limit });
        string[] kinds = [.. parts.Kinds.Where(kind => kind.StartsWith("backend:", StringComparison.Ordinal) || kind.StartsWith("transport:", StringComparison.Ordinal))];
        string kind = place.Kind ?? (kinds.Length == 1 ? kinds[0] : throw (kinds.Length == 0
            ? new StorageException(StorageErrorKind.NotSupported, id, $"provides {string.Join(", ", parts.Kinds)}, and the kit is about backends and transports")
            : Invalid($"provides {string.Join(", ", kinds)}: name one with --kind")));
        return parts.Backends.FirstOrDefault(part => $"backend:{part.Kind}" == kind) is PluginPart<IStorageBackend> backend ? CheckAsync(backend, plans, cancellationToken)
            : parts.Transports.FirstOrDefault(part => $"transport:{part.Kind}" == kind) is PluginPart<IVolumeTransport> transport ? CheckAsync(transport, plans, cancellationToken)
            : throw Invalid($"provides no {kind}, but {string.Join(", ", kinds)}");
    }

    private PartRegistry PartsOf(PluginCatalog catalog)
    {
        CatalogEntry entry = catalog.Entries.Single(entry => entry.Id == id && entry.Enabled);
        return entry.Reasons.Count == 0 && entry.Parts is PartRegistry parts
            ? parts
            : throw new StorageException(StorageErrorKind.Unavailable, id, $"can't be loaded: {string.Join("; ", entry.Reasons)}");
    }

    private async IAsyncEnumerable<PromiseReport> CheckAsync(PluginPart<IStorageBackend> part, KitPlans plans, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RequireOptions(part.Check);
        await RequirePlaceAsync(part, cancellationToken);
        BackendBench bench = new()
        {
            Make = () => part.Create(_options, ServicesFor($"{s_pool}", place.Devices)),
            Spec = new() { Name = s_pool, Devices = place.Devices },
            Run = plans.RunAsync,
            Foreign = place.Devices is [string device, ..] ? ForeignThing.For(device) : null,
        };
        await foreach (PromiseReport report in ConformanceKit.CheckAsync(bench, place.Limit, cancellationToken))
        {
            yield return report;
        }
    }

    private async IAsyncEnumerable<PromiseReport> CheckAsync(PluginPart<IVolumeTransport> part, KitPlans plans, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RequireOptions(part.Check);
        bool hangs = false;
        foreach (TransportCase promise in TransportConformance.Cases)
        {
            if (hangs)
            {
                yield return new(promise.Name, null, "was not tried, since a call before it did not return");
                continue;
            }

            using TransportPlace here = new();
            IVolumeTransport transport = part.Create(_options, ServicesFor("conformance", []));
            if (await transport.ProbeAsync(cancellationToken) is { Count: > 0 } missing)
            {
                throw new StorageException(StorageErrorKind.Unavailable, id, $"can't serve on this machine: {string.Join("; ", missing)}");
            }

            TransportBench bench = await here.BenchAsync(transport, plans.RunAsync, cancellationToken);
            PromiseReport report = promise.AppliesTo(bench)
                ? await ConformanceKit.KeepsAsync(bench, promise, place.Limit, cancellationToken)
                : new(promise.Name, null, null);
            hangs = report.Hangs;
            yield return report;
            if (!hangs)
            {
                await transport.DisposeAsync();
            }
        }
    }

    private void RequireOptions(Action<IConfigurationSection, Problems> check)
    {
        Problems problems = new();
        check(_options, problems);
        problems.ThrowIfAny(id);
    }

    // Without devices a backend may still have its place among its options.
    private async Task RequirePlaceAsync(PluginPart<IStorageBackend> part, CancellationToken cancellationToken)
    {
        if (place.Devices.Count == 0 && await part.Create(_options, ServicesFor($"{s_pool}", [])).ProbeAsync(cancellationToken) is { Missing: { Count: > 0 } missing })
        {
            throw Invalid($"needs a place to make a pool in: name an empty directory, or a free device, with --device ({string.Join("; ", missing)})");
        }
    }

    private StorageException Invalid(string message) => new(StorageErrorKind.InvalidConfiguration, id, message);

    private static EventLog Events() => new(TimeProvider.System, NullLogger<EventLog>.Instance);

    private static PluginServices ServicesFor(string name, IReadOnlyList<string> devices) => new()
    {
        Loggers = NullLoggerFactory.Instance,
        Time = TimeProvider.System,
        Events = Events(),
        Name = name,
        Devices = devices,
    };
}
