namespace EveStorage.FileBacked;

/// <summary>Registers what this plugin provides.</summary>
public sealed class FileBackedPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => ArgumentNullException.ThrowIfNull(registrar);
}
