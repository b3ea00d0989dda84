namespace EveStorage.ContainerdSnapshotter;

/// <summary>Registers the <c>containerd-snapshotter</c> front end.</summary>
public sealed class ContainerdSnapshotterPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddFrontEnd<ContainerdSnapshotterOptions>(
            "containerd-snapshotter", new ContainerdSnapshotterOptionsValidator(), static (options, services) => new SnapshotterServer(options, services));
    }
}
