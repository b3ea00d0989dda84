namespace EveStorage.VhostScsi;

/// <summary>Registers the <c>vhost-scsi</c> transport.</summary>
public sealed class VhostScsiPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
        => registrar.AddTransport("vhost-scsi", new VhostScsiOptionsValidator(), static (options, _) => new VhostScsiTransport(options));
}
