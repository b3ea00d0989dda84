namespace EveStorage.RawImport;

/// <summary>Registers what this plugin provides.</summary>
public sealed class RawImportPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => ArgumentNullException.ThrowIfNull(registrar);
}
