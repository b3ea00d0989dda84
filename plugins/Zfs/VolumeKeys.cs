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

        StorageException? refusal = await TryLoadAsync(zpool, volume.Name, keys, NameOf(id), cancellationToken);
        if (refusal is not null)
        {
            services.Events.Report(new(
                "volume.locked", EventSeverity.Warning, volume.Name, $"was received encrypted and stays locked: its key {NameOf(id)} is not at the source of keys, or is another one ({refusal.Message})"));
        }

        return refusal is null;
    }

    /// <summary>
    /// Has ZFS take a key from its source for a dataset, by pipe. Null when it can be read now; why not, when there is no such key, or
    /// ZFS does not take it. That is seen by what is locked still: ZFS tells a wrong key from other failures by its words alone.
    /// </summary>
    internal static async Task<StorageException?> TryLoadAsync(Zpool zpool, string dataset, IKeyProvider keys, KeyName key, CancellationToken cancellationToken)
    {
        KeyMaterial material;
        try
        {
            material = await keys.GetAsync(key, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return e;
        }

        using (material)
        {
            try
            {
                await zpool.Tools.ZfsAsync(dataset, ["load-key", dataset], material, cancellationToken);
                return null;
            }
            catch (StorageException e)
            {
                return await IsLockedAsync(zpool, dataset, cancellationToken) ? e : null;
            }
        }
    }
}
