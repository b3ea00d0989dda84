using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>A pool that this machine has, with all that opening it finds out.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Zpool">ZFS's pool.</param>
/// <param name="Facts">How it was made.</param>
/// <param name="Version">The module's version.</param>
internal sealed record OpenZpool(PoolName Name, Zpool Zpool, PoolFacts Facts, ZfsVersion Version)
{
    /// <summary>Takes the lock of a pool, between processes and inside one.</summary>
    internal static async ValueTask<FileLock> LockAsync(string pool, string title, ZfsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        FileCalls.Run(options.RunDirectory, () =>
            Directory.CreateDirectory(options.RunDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        return await FileLock.AcquireAsync(Path.Combine(options.RunDirectory, $"{pool}.lock"), title, options.LockTimeout, time, cancellationToken);
    }

    /// <summary>
    /// Opens a pool that is there: imports it where it is not, never by force, has its key loaded, takes away what an operation that
    /// a crash cut short was still making, and waits for its devices. Nothing is formatted, and nothing mounted.
    /// </summary>
    /// <exception cref="StorageException">It is not there, not ours, not finished, locked, or another machine's.</exception>
    internal static async Task<OpenZpool> OpenAsync(PoolName name, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        Zpool zpool = new(ZfsTools.Find(), options.PoolOf(name));
        ZfsVersion version = await ZfsTools.LoadAsync(cancellationToken);
        using FileLock held = await LockAsync(zpool.Root, $"open {name}", options, services.Time, cancellationToken);
        PoolFacts? facts = await PoolFacts.FindAsync(zpool, cancellationToken);
        if (facts is null)
        {
            await ImportPool.ImportAsync(name, zpool, services.Devices, cancellationToken);
            facts = await PoolFacts.FindAsync(zpool, cancellationToken)
                ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"the ZFS pool {zpool.Root} went while it was looked at");
        }

        facts.RequireOurs(name, zpool.Root);
        if (facts.Id is null)
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"is not finished: run or undo the operation {facts.Comment!.Value.Operation}");
        }

        await LoadKeyAsync(name, zpool, facts, services, cancellationToken);
        await ReadyAsync(name, zpool, options, services, cancellationToken);
        return new(name, zpool, facts, version);
    }

    /// <summary>Has ZFS take the key of the volumes, by pipe, unless it has it.</summary>
    private static async Task LoadKeyAsync(PoolName name, Zpool zpool, PoolFacts facts, PluginServices services, CancellationToken cancellationToken)
    {
        if (facts.Key is not KeyName key || await zpool.FindAsync(zpool.Volumes, cancellationToken, "keystatus") is ["available"])
        {
            return;
        }

        IKeyProvider keys = services.Keys ?? throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: the profile names no Keys that have {key}");
        KeyMaterial material;
        try
        {
            material = await keys.GetAsync(key, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: its key {key} is not there ({e.Message})", e);
        }

        using (material)
        {
            try
            {
                await zpool.Tools.ZfsAsync($"{name}", ["load-key", zpool.Volumes], material, cancellationToken);
            }
            catch (StorageException e) when (e.Message.Contains("Incorrect key", StringComparison.Ordinal))
            {
                throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"is not opened by the key {key}: it is another key than the pool was made with", e);
            }
        }
    }

    private static async Task ReadyAsync(PoolName name, Zpool zpool, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        foreach (Dataset dataset in await zpool.ListAsync(cancellationToken))
        {
            if (dataset.IsVolume && dataset.Leaf.StartsWith('_'))
            {
                // Whoever makes a volume holds the lock that we hold: this one is a crash's.
                await MadeVolume.DestroyAsync(zpool, dataset.Name, options, services.Time, cancellationToken);
            }
            else if (dataset is { IsLeaving: true, IsDeferred: false, SnapshotMark: not null })
            {
                await zpool.Tools.ZfsAsync($"{name}", ["destroy", "-d", dataset.Name], cancellationToken);
            }
            else if (zpool.NameOf(dataset) is VolumeName volume && dataset.Mark is not null)
            {
                await ZvolNode.RequireAsync(dataset.Name, $"{name}/{volume}", services.Time, cancellationToken);
            }
        }
    }
}
