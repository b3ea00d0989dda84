namespace EveStorage.Zfs;

/// <summary>Has ZFS use a drive no more until it is told to, or use it again. ZFS refuses where the others don't hold all that it holds.</summary>
internal sealed class RestDrive(ZfsPool pool, string drive, bool online, StepEffect expected) : StorageStep
{
    private const string Offline = "OFFLINE";
    private const string Online = "ONLINE";

    public override string Title => online ? $"use {drive} of {pool.Name} again" : $"use {drive} of {pool.Name} no more for now";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">There is no such drive, or the pool has no redundancy.</exception>
    internal static async Task<RestDrive> PlanAsync(ZfsPool pool, string drive, bool online, CancellationToken cancellationToken)
    {
        if (!online && pool.Open.Facts.Redundancy == PoolRedundancy.None)
        {
            throw new StorageException(
                StorageErrorKind.Conflict, $"{pool.Name}", $"has no redundancy, so that it needs every drive: move {drive} off it by 'evestorage pool remove {pool.Name} {drive}'");
        }

        return new(pool, drive, online, IsSo(await FindAsync(pool, drive, cancellationToken), online) ? StepEffect.AlreadySo : StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Vdev vdev = await FindAsync(pool, drive, cancellationToken);
        if (IsSo(vdev, online))
        {
            return StepOutcome.AlreadySo;
        }

        await TellAsync(vdev, online, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (expected == StepEffect.Change && await FindAsync(pool, drive, cancellationToken) is Vdev vdev && IsSo(vdev, online))
        {
            await TellAsync(vdev, !online, cancellationToken);
        }
    }

    private async Task TellAsync(Vdev vdev, bool use, CancellationToken cancellationToken)
    {
        try
        {
            await pool.Zpool.Tools.ZpoolAsync($"{pool.Name}", [use ? "online" : "offline", pool.Zpool.Root, vdev.Guid], cancellationToken);
        }
        catch (StorageException e) when (!use)
        {
            if (!IsNeeded(vdev, (await pool.LookAsync(cancellationToken)).Report))
            {
                throw;
            }

            throw new StorageException(
                StorageErrorKind.Conflict, $"{pool.Name}", $"needs {drive} now, since another drive is missing, out of use or not up to date: bring that back, or replace it, first", e);
        }
    }

    // Whether ZFS has a reason to refuse: what the others of its group hold is not all of it.
    private static bool IsNeeded(Vdev vdev, PoolReport report)
        => report.IsRebuilding || report.Groups.Where(group => group.Leaves.Any(leaf => leaf.Guid == vdev.Guid)).SelectMany(group => group.Leaves).Any(leaf => leaf.Guid != vdev.Guid && leaf.State != Online);

    private static async Task<Vdev> FindAsync(ZfsPool pool, string drive, CancellationToken cancellationToken)
    {
        (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
        return PoolDrives.Find(report, names, drive)
            ?? throw new StorageException(
                StorageErrorKind.NotFound, $"{pool.Name}", $"has no drive {drive}; it has {string.Join(", ", report.Drives.Select(vdev => PoolDrives.CalledOf(vdev, names)))}");
    }

    private static bool IsSo(Vdev vdev, bool online) => online == vdev.State is not Offline;
}
