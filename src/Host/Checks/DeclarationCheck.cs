using EveStorage.Cli.Api;
using EveStorage.Host.Daemon;
using EveStorage.Host.Events;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Host.Checks;

/// <summary>What only their users can say of a profile's values: each backend of its pool's devices and redundancy, the machine of a group. They look and change nothing.</summary>
internal static class DeclarationCheck
{
    /// <summary>Adds what they refuse to <paramref name="problems"/>.</summary>
    internal static async Task RunAsync(Profile profile, PluginCatalog catalog, Problems problems, CancellationToken cancellationToken)
    {
        await AskAsync("Api:Group", problems, () =>
        {
            _ = new PeerRule(profile.Api.Group);
            return Task.CompletedTask;
        });
        foreach ((PoolName name, PoolOptions pool) in profile.Pools.Where(declared => !HasProblem($"Pools:{declared.Key}", problems) && !HasProblem("Keys", problems)))
        {
            if (profile.Keys is null && pool.Layers.Any(layer => layer.Kind == EncryptionLayers.Kind))
            {
                problems.Add($"Pools:{name}", "is encrypted, and there is no source of keys: declare Keys with a Kind, such as key-file");
            }

            if (catalog.Backends.FirstOrDefault(part => part.Kind == pool.Kind) is PluginPart<IStorageBackend> part)
            {
                PoolSpec spec = new() { Name = name, Devices = pool.Devices, Redundancy = pool.Redundancy };
                await AskAsync($"Pools:{name}", problems, async () => await part.Create(pool.Options, ServicesFor(spec) with { Keys = KeysOf(profile, catalog) }).PlanCreatePoolAsync(spec, cancellationToken));
            }
        }
    }

    private static bool HasProblem(string key, Problems problems) => problems.Lines.Any(line => line.StartsWith($"{key}:", StringComparison.OrdinalIgnoreCase));

    private static async Task AskAsync(string key, Problems problems, Func<Task> ask)
    {
        try
        {
            await ask();
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.InvalidConfiguration)
        {
            problems.Add(key, ErrorReport.Of(e).Message);
        }
        catch (StorageException)
        {
            // how the machine is now, and no matter of the profile: `pool create` and `doctor` tell it
        }
    }

    private static IKeyProvider? KeysOf(Profile profile, PluginCatalog catalog)
        => profile.Keys is PartOptions declared && catalog.KeyProviders.FirstOrDefault(part => part.Kind == declared.Kind) is PluginPart<IKeyProvider> part
            ? part.Create(declared.Options, ServicesFor("keys", []))
            : null;

    private static PluginServices ServicesFor(PoolSpec spec) => ServicesFor($"{spec.Name}", spec.Devices);

    private static PluginServices ServicesFor(string name, IReadOnlyList<string> devices) => new()
    {
        Loggers = NullLoggerFactory.Instance,
        Time = TimeProvider.System,
        Events = new EventLog(TimeProvider.System, NullLogger<EventLog>.Instance),
        Name = name,
        Devices = devices,
    };
}
