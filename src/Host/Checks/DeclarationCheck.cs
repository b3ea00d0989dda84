using EveStorage.Host.Api;
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
        foreach ((PoolName name, PoolOptions pool) in profile.Pools.Where(declared => !HasProblem(declared.Key, problems)))
        {
            if (profile.Keys is null && pool.Layers.Any(layer => layer.Kind == EncryptionLayers.Kind))
            {
                problems.Add($"Pools:{name}", "is encrypted, and there is no source of keys: declare Keys with a Kind, such as key-file");
            }

            if (catalog.Backends.FirstOrDefault(part => part.Kind == pool.Kind) is PluginPart<IStorageBackend> part)
            {
                PoolSpec spec = new() { Name = name, Devices = pool.Devices, Redundancy = pool.Redundancy };
                await AskAsync($"Pools:{name}", problems, async () => await part.Create(pool.Options, ServicesFor(spec)).PlanCreatePoolAsync(spec, cancellationToken));
            }
        }
    }

    private static bool HasProblem(PoolName name, Problems problems) => problems.Lines.Any(line => line.StartsWith($"Pools:{name}:", StringComparison.OrdinalIgnoreCase));

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

    private static PluginServices ServicesFor(PoolSpec spec) => new()
    {
        Loggers = NullLoggerFactory.Instance,
        Time = TimeProvider.System,
        Events = new EventLog(TimeProvider.System, NullLogger<EventLog>.Instance),
        Name = $"{spec.Name}",
        Devices = spec.Devices,
    };
}
