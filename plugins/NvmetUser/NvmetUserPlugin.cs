namespace EveStorage.NvmetUser;

/// <summary>Registers the <c>nvmet-user</c> transport.</summary>
public sealed class NvmetUserPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
        => registrar.AddTransport("nvmet-user", new NvmetUserOptionsValidator(), static (options, services) => new NvmetUserTransport(options, services));
}
