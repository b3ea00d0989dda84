namespace EveStorage.Zfs;

/// <summary>
/// Volumes that have a key of their own, apart from the pool's: those that were received as they were encrypted, with the clones of
/// them. Nobody here knows that key, unless somebody puts it at the source of keys, as <c>volume-</c> and the id of the one that was received.
/// </summary>
internal static class VolumeKeys
{
    /// <summary>What the key of such a volume is called.</summary>
    internal static KeyName NameOf(Guid volume) => new($"volume-{volume:D}");

    /// <summary>What the key that opens a volume is called: that of what it was cloned of, where it was. Null when that is nothing of ours.</summary>
    internal static async Task<KeyName?> FindNameAsync(ZfsPool pool, Dataset volume, CancellationToken cancellationToken)
        => volume.EncryptionRoot == pool.Zpool.Volumes ? pool.Key
            : volume.EncryptionRoot == volume.Name ? NameOf(volume.Id)
            : await pool.Zpool.FindAsync(volume.EncryptionRoot, cancellationToken, Property.VolumeId) is [string id] && Guid.TryParse(id, out Guid root) ? NameOf(root) : null;

    /// <summary>Whether a dataset can't be read for want of its key.</summary>
    internal static async Task<bool> IsLockedAsync(Zpool zpool, string dataset, CancellationToken cancellationToken)
        => await zpool.FindAsync(dataset, cancellationToken, "keystatus") is ["unavailable"];

    /// <summary>Makes sure that a volume can be read.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: its key is not there.</exception>
    internal static async Task RequireUnlockedAsync(ZfsPool pool, Dataset volume, VolumeName name, CancellationToken cancellationToken)
    {
        if (Path.Exists(ZvolNode.PathOf(volume.Name)) || !await IsLockedAsync(pool.Zpool, volume.Name, cancellationToken))
        {
            return;
        }

        KeyName? key = await FindNameAsync(pool, volume, cancellationToken);
        if (await FindRefusalAsync(pool.Zpool, volume.EncryptionRoot, key, pool.Services, cancellationToken) is string refusal)
        {
            throw new StorageException(StorageErrorKind.Unavailable, pool.Subject(name), Locked(key, refusal));
        }
    }

    /// <summary>
    /// Has ZFS take the keys of all volumes that are locked, each once, however many were cloned of what has it. Those that stay
    /// locked, each told as an event: one of them keeps no other from being used, whatever its key's source says.
    /// </summary>
    internal static async Task<IReadOnlySet<string>> LoadAsync(
        PoolName pool, Zpool zpool, IReadOnlyList<Dataset> all, PluginServices services, CancellationToken cancellationToken)
    {
        HashSet<string> left = new(StringComparer.Ordinal);
        foreach (IGrouping<string, Dataset> locked in all.Where(dataset => dataset is { IsVolume: true, IsLocked: true } && !zpool.IsMaking(dataset)).GroupBy(dataset => dataset.EncryptionRoot))
        {
            KeyName? key = NameOf(all.FirstOrDefault(dataset => dataset.Name == locked.Key)?.Id);
            if (await FindRefusalAsync(zpool, locked.Key, key, services, cancellationToken) is not string refusal)
            {
                continue;
            }

            foreach (Dataset volume in locked)
            {
                left.Add(volume.Name);
                if (volume.Mark is not null && zpool.NameOf(volume) is VolumeName name)
                {
                    services.Events.Report(new("volume.locked", EventSeverity.Warning, $"{pool}/{name}", Locked(key, refusal)));
                }
            }
        }

        return left;
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

    private static KeyName? NameOf(Guid? volume) => volume is Guid id ? NameOf(id) : null;

    private static string Locked(KeyName? key, string refusal)
        => key is null ? $"is encrypted by a key that is none of ours, and is locked ({refusal})" : $"is encrypted by the key {key}, and is locked: put that key at the source of keys ({refusal})";

    // Why what has a key of its own stays locked; null when it is not any more.
    private static async Task<string?> FindRefusalAsync(Zpool zpool, string root, KeyName? key, PluginServices services, CancellationToken cancellationToken)
    {
        if (key is not KeyName name || services.Keys is not IKeyProvider keys)
        {
            return key is null ? $"{root} has it, which is no volume of ours" : "the profile names no Keys";
        }

        try
        {
            return (await TryLoadAsync(zpool, root, keys, name, cancellationToken))?.Message;
        }
        catch (StorageException e)
        {
            return e.Message;   // its source, which others may have their keys of
        }
    }
}
