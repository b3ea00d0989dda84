using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Has ZFS make a pool of blank drives, with the operation's mark in the transaction that makes it.</summary>
internal sealed class CreatePool(PoolInMaking making, StepEffect expected) : StorageStep
{
    private readonly PoolRequest _request = making.Request;

    public override string Title { get; } = $"make the ZFS pool {making.Request.Pool}: {string.Join(' ', PoolLayout.Words(making.Request.Redundancy, making.Request.Parity, making.Request.Devices))}";

    public override StepEffect Expected => expected;

    /// <summary>What is there in this machine's kernel, as asked for; null when nothing is. It may be taken from its drives first.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is not ours, or was made otherwise.</exception>
    internal static async Task<PoolFacts?> FindSameAsync(PoolInMaking making, bool mayTake, CancellationToken cancellationToken)
    {
        PoolFacts? facts = mayTake ? await making.TakeAsync(cancellationToken) : await making.FindAsync(cancellationToken);
        facts?.RequireOurs(making.Request.Name, making.Request.Pool);
        return facts?.Id is null || facts.Redundancy == making.Request.Redundancy
            ? facts
            : throw new StorageException(
                StorageErrorKind.Conflict, $"{making.Request.Name}", $"is there as {facts.Redundancy}, and not as {making.Request.Redundancy}: declare it as it is, or delete it");
    }

    /// <summary>Refuses devices that can't be taken.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: one is in use or has something on it.</exception>
    internal static async Task<IReadOnlyList<Drive>> CheckDevicesAsync(PoolRequest request, bool mayBeAbsent, CancellationToken cancellationToken)
    {
        List<Drive> drives = [];
        foreach (string device in request.Devices)
        {
            // What a layer will show is not there while the plan is made; an id that no drive has is a mistake now.
            if (mayBeAbsent && !File.Exists(device) && device.StartsWith("/dev/mapper/", StringComparison.Ordinal))
            {
                continue;
            }

            Drive drive = ZfsDrive.Require(device);
            await ZfsDrive.CheckFreeAsync(drive, device, cancellationToken);
            drives.Add(drive);
        }

        return drives.Select(drive => drive.Number).Distinct().Count() == drives.Count
            ? drives
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{request.Name}", "two of its devices are the same drive");
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        await ZfsTools.LoadAsync(cancellationToken);
        if (await FindSameAsync(making, mayTake: true, cancellationToken) is PoolFacts existing)
        {
            return TakeUp(existing, context);
        }

        IReadOnlyList<Drive> drives = await CheckDevicesAsync(_request, mayBeAbsent: false, cancellationToken);
        ZfsOptions options = making.Options;
        string[] words =
        [
            "create", "-o", $"ashift={options.Ashift}", "-o", "cachefile=none", "-o", $"autotrim={(options.AutoTrim ? "on" : "off")}",
            "-o", $"comment={PoolComment.Of(context.Request.Id)}", "-O", "mountpoint=none", "-O", "canmount=off", "-O", "atime=off",
            "-O", $"compression={options.Compression}", "-O", $"primarycache={(options.PrimaryCache == ZfsCache.All ? "all" : "metadata")}",
            "-O", $"logbias={(options.LogBias == ZfsLogBias.Latency ? "latency" : "throughput")}",
            "-O", $"redundant_metadata={(options.LessRedundantMetadata ? "most" : "all")}", "-O", "volmode=dev", "-O", "snapdev=hidden", _request.Pool,
            .. PoolLayout.Words(_request.Redundancy, _request.Parity, [.. drives.Select(ZfsDrive.NodeOf)]),
        ];
        await ZfsDrive.GiveAsync(making.Zpool.Tools, $"{_request.Name}", drives, words, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync($"undo: {Title}", cancellationToken);
        if ((await making.TakeAsync(cancellationToken))?.Comment == context.Mark)
        {
            await DeletePool.RequireEmptyAsync(making.Zpool, $"{_request.Name}", cancellationToken);
            await DeletePool.DestroyAsync(making.Zpool, $"{_request.Name}", making.Options, making.Services.Time, cancellationToken);
        }

        foreach (Drive drive in _request.Devices.Select(device => Drive.Find(device)).OfType<Drive>())
        {
            await ZfsDrive.BlankAsync(making.Zpool.Tools, drive, cancellationToken);
        }
    }

    // What another operation began, and how it wanted it, is for that one to finish or undo. A crash may have come before the last claim was taken away.
    private StepOutcome TakeUp(PoolFacts existing, OperationContext context)
    {
        OwnerMark by = existing.Comment!.Value;
        if (existing.Id is null && by != context.Mark)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{_request.Name}", $"is there, and not finished: run or undo the operation {by.Operation}");
        }

        foreach (Drive drive in _request.Devices.Select(device => Drive.Find(device)).OfType<Drive>())
        {
            DriveClaim.Take(drive);
        }

        return by.OutcomeFor(context);
    }
}
