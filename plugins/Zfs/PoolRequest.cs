using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>A pool as asked for, checked.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pool">ZFS's name of it.</param>
/// <param name="Devices">Its devices as the profile names them.</param>
/// <param name="Redundancy">What it survives.</param>
/// <param name="Parity">How many drives of a group may fail, where there is parity.</param>
internal sealed record PoolRequest(PoolName Name, string Pool, IReadOnlyList<string> Devices, PoolRedundancy Redundancy, int Parity)
{
    /// <summary>Checks a specification.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>, with every reason.</exception>
    internal static PoolRequest Check(PoolSpec spec, ZfsOptions options)
    {
        List<string> wrong = [];
        string pool = options.PoolOf(spec.Name);
        if (ZfsOptionsValidator.WhyNoPool(pool) is string reason)
        {
            wrong.Add($"ZFS's name {pool} {reason}: set the option Pool");
        }

        bool isParity = spec.Redundancy is PoolRedundancy.Parity or PoolRedundancy.DoubleParity;
        if (options.ParityDrives is int asked && (!isParity || (spec.Redundancy == PoolRedundancy.DoubleParity && asked < 2)))
        {
            wrong.Add($"ParityDrives {asked} does not go with the redundancy {spec.Redundancy}");
        }

        int parity = PoolLayout.ParityOf(spec.Redundancy, options.ParityDrives);
        int least = PoolLayout.LeastDrives(spec.Redundancy, parity);
        if (spec.Devices.Count < least)
        {
            wrong.Add(spec.Devices.Count == 0 ? "a ZFS pool needs a device" : $"{spec.Redundancy} needs {least} devices, and {spec.Devices.Count} are declared");
        }

        if (spec.Devices.Distinct(StringComparer.Ordinal).Count() != spec.Devices.Count)
        {
            wrong.Add("a device is declared twice");
        }

        return wrong.Count == 0
            ? new(spec.Name, pool, spec.Devices, spec.Redundancy, parity)
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{spec.Name}", string.Join("; ", wrong));
    }
}

/// <summary>What the steps that make a pool share.</summary>
internal sealed record PoolInMaking(Zpool Zpool, PoolRequest Request, ZfsOptions Options, PluginServices Services)
{
    internal ValueTask<FileLock> LockAsync(string title, CancellationToken cancellationToken)
        => OpenZpool.LockAsync(Zpool.Root, title, Options, Services.Time, cancellationToken);

    /// <summary>What is there under the pool's name, in this machine's kernel; null when nothing is, as before ZFS's module is loaded. Looking loads nothing.</summary>
    internal async Task<PoolFacts?> FindAsync(CancellationToken cancellationToken)
        => ZfsTools.LoadedVersion is null ? null : await PoolFacts.FindAsync(Zpool, cancellationToken);

    /// <summary>Whether the drives hold a pool of ours under that name, as they do after a power cut while it was made, or when it is closed.</summary>
    internal bool LiesOnDrives()
        => Request.Devices.Select(device => Drive.Find(device)).OfType<Drive>().Any(drive => VdevLabel.Find(ZfsDrive.DataOf(drive)) is VdevLabel label
            && label.Pool == Request.Pool && label.State != VdevLabelState.Destroyed && label.Written > 0 && PoolComment.Read(label.Comment) is not null);

    /// <summary>The same as <see cref="FindAsync"/>, once the pool is taken from the drives that hold it.</summary>
    internal async Task<PoolFacts?> TakeAsync(CancellationToken cancellationToken)
    {
        if (await FindAsync(cancellationToken) is PoolFacts there)
        {
            return there;
        }

        if (!LiesOnDrives())
        {
            return null;
        }

        await ZfsTools.LoadAsync(cancellationToken);
        await ImportPool.ImportAsync(Request.Name, Zpool, Request.Devices, cancellationToken);
        return await FindAsync(cancellationToken);
    }
}
