namespace EveStorage.RawImport;

/// <summary>Registers the image format <c>raw</c>.</summary>
public sealed class RawImportPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddImageFormat("raw", static _ => new RawFormat());
    }
}
