namespace EveStorage.ZfsStreamImport;

/// <summary>Registers the image format <c>zfs-stream</c>.</summary>
public sealed class ZfsStreamImportPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddImageFormat("zfs-stream", static _ => new ZfsStreamFormat());
    }
}
