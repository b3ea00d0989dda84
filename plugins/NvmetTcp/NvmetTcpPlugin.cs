namespace EveStorage.NvmetTcp;

/// <summary>Registers the <c>nvmet-tcp</c> transport.</summary>
public sealed class NvmetTcpPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
        => registrar.AddTransport("nvmet-tcp", new NvmetTcpOptionsValidator(), static (options, services) => new NvmetTcpTransport(options, services));
}
