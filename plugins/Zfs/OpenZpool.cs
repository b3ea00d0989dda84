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

    /// <summary>Takes the lock of a volume that is being made for as long as that takes, without the pool's.</summary>
    internal static async ValueTask<FileLock> LockMakingAsync(Zpool zpool, string making, string title, ZfsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using FileLock held = await LockAsync(zpool.Root, title, options, time, cancellationToken);   // for its directory, and for whoever looks whether anybody has it
        return await FileLock.AcquireAsync(MakingPath(zpool, making, options), title, options.LockTimeout, time, cancellationToken);
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

        // A change of the key that a crash cut short leaves two names, of which one opens it.
        string? next = (await zpool.FindAsync(zpool.Root, cancellationToken, Property.PoolNextKey))?[0];
        IKeyProvider keys = services.Keys ?? throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: the profile names no Keys that have {key}");
        if (next is not null && next != $"{key}" && await VolumeKeys.TryLoadAsync(zpool, zpool.Volumes, keys, new(next), cancellationToken) is null)
        {
            await zpool.SetAsync(zpool.Root, [Property.Set(Property.PoolKey, next), Property.Set(Property.PoolNextKey, "")], cancellationToken);
            return;
        }

        if (await VolumeKeys.TryLoadAsync(zpool, zpool.Volumes, keys, key, cancellationToken) is StorageException refusal)
        {
            throw refusal.Kind == StorageErrorKind.NotFound
                ? new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: its key {key} is not there ({refusal.Message})", refusal)
                : new StorageException(StorageErrorKind.Conflict, $"{name}", $"is not opened by the key {key}: it is another key than the pool was made with ({refusal.Message})", refusal);
        }

        if (next is not null)
        {
            await zpool.SetAsync(zpool.Root, [Property.Set(Property.PoolNextKey, "")], cancellationToken);   // it never came
        }
    }

    private static string MakingPath(Zpool zpool, string making, ZfsOptions options)
        => Path.Combine(options.RunDirectory, $"{zpool.Root}.{making[(making.LastIndexOf('/') + 1)..]}.lock");

    /// <summary>Clears what a crash left, loads the keys that volumes have of their own, and waits for devices. A volume without one is told as an event.</summary>
    internal static async Task ReadyAsync(PoolName name, Zpool zpool, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        IReadOnlyList<Dataset> all = await zpool.ListAsync(cancellationToken);
        IReadOnlySet<string> locked = await VolumeKeys.LoadAsync(name, zpool, all, services, cancellationToken);
        List<(string Dataset, string Subject)> nodes = [];
        foreach (Dataset dataset in all)
        {
            if (zpool.IsMaking(dataset))
            {
                await RemoveLeftAsync(zpool, dataset.Name, options, services, cancellationToken);
            }
            else if (locked.Contains(dataset.Name))
            {
                // It has no device.
            }
            else if (dataset is { IsLeaving: true, IsDeferred: false, SnapshotMark: not null })
            {
                await zpool.Tools.ZfsAsync($"{name}", ["destroy", "-d", dataset.Name], cancellationToken);
            }
            else if (dataset is { IsVolume: true, Mark: not null } && zpool.NameOf(dataset) is VolumeName volume)
            {
                nodes.Add((dataset.Name, $"{name}/{volume}"));
            }
        }

        // The others serve, whatever is wrong with one.
        foreach ((string dataset, string subject) in await ZvolNode.AwaitAsync(nodes, services.Time, cancellationToken))
        {
            services.Events.Report(new("volume.no-device", EventSeverity.Critical, subject, $"has no device, and can't be used: {ZvolNode.Advice(dataset)}, then `evestorage doctor`"));
        }
    }

    // Whoever makes a volume holds the lock that we hold, or that of a receive: one without is a crash's.
    private static async Task RemoveLeftAsync(Zpool zpool, string making, ZfsOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        using FileLock? alone = FileLock.TryAcquire(MakingPath(zpool, making, options), $"open {zpool.Root}");
        if (alone is not null && !await ReceivedDataset.IsKeptAsync(zpool, making, services.Time, cancellationToken))
        {
            await MadeVolume.DestroyAsync(zpool, making, options, services.Time, cancellationToken);
        }
    }
}
