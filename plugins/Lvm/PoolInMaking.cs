namespace EveStorage.Lvm;

/// <summary>What the steps that make a pool share.</summary>
internal sealed record PoolInMaking(LvmTools Tools, PoolRequest Request, LvmOptions Options, PluginServices Services)
{
    /// <summary>The volume group, once the first step has made it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it is not there.</exception>
    internal async Task<VolumeGroup> RequireGroupAsync(CancellationToken cancellationToken)
        => await FindGroupAsync(cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{Request.Name}", $"the volume group {Request.Group} is not on its drives");

    internal Task<VolumeGroup?> FindGroupAsync(CancellationToken cancellationToken)
        => PoolDevices.FindGroupAsync(Tools, Request.Group, Request.Devices, cancellationToken);

    internal ValueTask<Linux.FileLock> LockAsync(string title, CancellationToken cancellationToken)
        => OpenGroup.LockAsync(Request.Group, title, Options, Services.Time, cancellationToken);
}
