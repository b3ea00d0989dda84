namespace EveStorage.Lvm;

/// <summary>Registers the <c>lvm</c> backend.</summary>
public sealed class LvmPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddBackend<LvmOptions>("lvm", new LvmOptionsValidator(), static (options, services) => new LvmBackend(options, services));
    }
}
