namespace EveStorage.Luks;

/// <summary>Registers the <c>luks2</c> layer.</summary>
public sealed class LuksPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddLayer<LuksOptions>("luks2", new LuksOptionsValidator(), static (options, services) => new LuksLayer(options, services.Keys));
    }
}
