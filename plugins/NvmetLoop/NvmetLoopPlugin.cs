namespace EveStorage.NvmetLoop;

/// <summary>Registers the <c>nvmet-loop</c> transport.</summary>
public sealed class NvmetLoopPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
        => registrar.AddTransport("nvmet-loop", new NvmetLoopOptionsValidator(), static (options, _) => new NvmetLoopTransport(options));
}
