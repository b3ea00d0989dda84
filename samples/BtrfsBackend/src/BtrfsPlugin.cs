using EveStorage;

namespace Samples.Btrfs;

/// <summary>What plugin.json names. It registers, and opens and probes nothing.</summary>
public sealed class BtrfsPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddBackend<BtrfsOptions>("btrfs", new BtrfsOptionsRules(), static (options, services) => new BtrfsBackend(options, services));
    }
}
