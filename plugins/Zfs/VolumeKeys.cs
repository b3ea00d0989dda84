namespace EveStorage.Zfs;

/// <summary>
/// Volumes that have a key of their own, apart from the pool's: those that were received as they were encrypted. Nobody here knows that
/// key, unless somebody puts it at the source of keys, as <c>volume-</c> and the volume's id.
/// </summary>
internal static class VolumeKeys
{
    /// <summary>What the key of such a volume is called.</summary>
    internal static KeyName NameOf(Guid volume) => new($"volume-{volume:D}");

    /// <summary>Whether a dataset can't be read for want of its key.</summary>
    internal static async Task<bool> IsLockedAsync(Zpool zpool, string dataset, CancellationToken cancellationToken)
        => await zpool.FindAsync(dataset, cancellationToken, "keystatus") is ["unavailable"];

    /// <summary>The datasets below that can't be read for want of a key.</summary>
    internal static async Task<IReadOnlySet<string>> LockedAsync(Zpool zpool, CancellationToken cancellationToken)
        => (await zpool.Tools.FindRowsAsync(zpool.Volumes, ["list", "-Hp", "-r", "-t", "volume", "-o", "name,keystatus", zpool.Volumes], ofPools: false, cancellationToken) ?? [])
            .Where(row => row is [_, "unavailable"]).Select(row => row[0]).ToHashSet(StringComparer.Ordinal);

    /// <summary>Makes sure that a volume can be read.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: its key is not there.</exception>
    internal static async Task RequireUnlockedAsync(ZfsPool pool, Dataset volume, VolumeName name, CancellationToken cancellationToken)
    {
        if (!Path.Exists(ZvolNode.PathOf(volume.Name)) && await IsLockedAsync(pool.Zpool, volume.Name, cancellationToken)
            && !await TryLoadAsync(pool.Zpool, volume, pool.Services, cancellationToken))
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, pool.Subject(name), $"was received as it was encrypted, and is locked: put its key at the source of keys, as {NameOf(volume.Id!.Value)}");
        }
    }

    /// <summary>Has ZFS take the key of a volume, by pipe, where there is one; whether it can be read now.</summary>
    internal static async Task<bool> TryLoadAsync(Zpool zpool, Dataset volume, PluginServices services, CancellationToken cancellationToken)
    {
        if (services.Keys is not IKeyProvider keys || volume.Id is not Guid id)
        {
            return false;
        }

        try
        {
            using KeyMaterial key = await keys.GetAsync(NameOf(id), cancellationToken);
            await zpool.Tools.ZfsAsync(volume.Name, ["load-key", volume.Name], key, cancellationToken);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound || e.Message.Contains("Incorrect key", StringComparison.Ordinal) || e.Message.Contains("must be a", StringComparison.Ordinal))
        {
            services.Events.Report(new("volume.locked", EventSeverity.Warning, volume.Name, $"was received encrypted and stays locked: its key {NameOf(id)} is not at the source of keys, or is another one"));
            return false;
        }
    }
}
