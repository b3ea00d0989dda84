using EveStorage.FileSystems;

namespace EveStorage.Ext4;

/// <summary>Registers the <c>ext4</c> layer.</summary>
public sealed class Ext4Plugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddLayer<Ext4Options>("ext4", new Ext4OptionsValidator(), static (options, _) => new FileSystemLayer(new Ext4Format(), options));
    }
}
