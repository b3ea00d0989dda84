namespace EveStorage.Zfs;

/// <summary>Registers the <c>zfs</c> backend.</summary>
public sealed class ZfsPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddBackend<ZfsOptions>("zfs", new ZfsOptionsValidator(), static (options, services) => new ZfsBackend(options, services));
    }
}
