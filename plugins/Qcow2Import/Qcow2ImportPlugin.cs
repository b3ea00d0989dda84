namespace EveStorage.Qcow2Import;

/// <summary>Registers what this plugin provides.</summary>
public sealed class Qcow2ImportPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => ArgumentNullException.ThrowIfNull(registrar);
}
