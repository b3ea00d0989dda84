namespace EveStorage.FileBacked;

/// <summary>Registers the <c>file</c> backend.</summary>
public sealed class FileBackedPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddBackend<FileBackedOptions>("file", new FileBackedOptionsValidator(), static (options, services) => new FileBackend(options, services));
    }
}
