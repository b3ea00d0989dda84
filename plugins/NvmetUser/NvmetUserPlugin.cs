namespace EveStorage.NvmetUser;

/// <summary>Registers what this plugin provides.</summary>
public sealed class NvmetUserPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => ArgumentNullException.ThrowIfNull(registrar);
}
