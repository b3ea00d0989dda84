using EveStorage.FileSystems;

namespace EveStorage.Xfs;

/// <summary>Registers the <c>xfs</c> layer.</summary>
public sealed class XfsPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddLayer<XfsOptions>("xfs", new XfsOptionsValidator(), static (options, _) => new FileSystemLayer(new XfsFormat(), options));
    }
}
