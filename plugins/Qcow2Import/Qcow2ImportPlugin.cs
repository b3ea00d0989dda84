namespace EveStorage.Qcow2Import;

/// <summary>Registers the image format <c>qcow2</c>.</summary>
public sealed class Qcow2ImportPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddImageFormat("qcow2", static _ => new Qcow2Format());
    }
}
