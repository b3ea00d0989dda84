using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Puts a blank device in place of a drive, which may be missing: ZFS writes to it what the old one held, from that or from the other copies, while the pool serves.</summary>
internal sealed class ReplaceDrive : StorageStep
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    // ZFS begins within a transaction or two, and again after a drive that came back: five minutes without any of it is no beginning.
    private static readonly TimeSpan s_longestRest = TimeSpan.FromMinutes(5);

    private readonly ZfsPool _pool;
    private readonly string _drive;
    private readonly string _replacement;

    private ReplaceDrive(ZfsPool pool, string drive, string replacement, StepEffect expected)
    {
        (_pool, _drive, _replacement) = (pool, drive, replacement);
        Expected = expected;
    }

    public override string Title => $"put {_replacement} in place of {_drive} in {_pool.Name}, and wait until it holds what that held";

    public override StepEffect Expected { get; }

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">There is no such drive, or the replacement is not blank.</exception>
    internal static async Task<ReplaceDrive> PlanAsync(ZfsPool pool, string drive, string replacement, CancellationToken cancellationToken)
    {
        (PoolReport report, string? names) = await pool.LookAsync(cancellationToken);
        Vdev? old = PoolDrives.Find(report, names, drive);
        if (Drive.Find(replacement) is null && (await Replacements.FindAsync(pool.Zpool, cancellationToken)).All is not null)
        {
            // It may have been lost after a crash: to undo what was begun takes no device, and no other run gets further than to see that it is not there.
            return new(pool, drive, replacement, StepEffect.Change);
        }

        Drive device = ZfsDrive.Require(replacement);
        if (ZfsPool.MemberIn(report, device) is not null)
        {
            // By an operation that a crash cut short; when the old one is still there, it is under way.
            return new(pool, drive, replacement, old is null ? StepEffect.AlreadySo : StepEffect.Change);
        }

        if (old is null)
        {
            throw new StorageException(
                StorageErrorKind.NotFound, $"{pool.Name}", $"has no drive {drive}; it has {string.Join(", ", report.Drives.Select(vdev => PoolDrives.CalledOf(vdev, names)))}");
        }

        await ZfsDrive.CheckFreeAsync(device, replacement, cancellationToken);
        return new(pool, drive, replacement, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Drive device = ZfsDrive.Require(_replacement);
        Drive? old = null;
        bool began = false;
        using (IDisposable held = await _pool.LockAsync(Title, cancellationToken))
        {
            (PoolReport report, string? names) = await _pool.LookAsync(cancellationToken);
            Vdev? vdev = PoolDrives.Find(report, names, _drive);
            old = vdev is not null && PoolDrives.FindDevice(vdev) is Drive there ? ZfsDrive.WholeOf(there) : Drive.Find(_drive) is Drive named ? ZfsDrive.WholeOf(named) : null;
            if (vdev is not null && ZfsPool.MemberIn(report, device) is null)
            {
                await ZfsDrive.CheckFreeAsync(device, _replacement, cancellationToken);
                await AttachAsync(vdev, device, report, context, cancellationToken);
                began = true;
            }
        }

        began |= await WaitAsync(context, cancellationToken);
        if (ZfsPool.MemberIn((await _pool.LookAsync(cancellationToken)).Report, device) is null)
        {
            throw new StorageException(StorageErrorKind.Io, $"{_pool.Name}", $"does not have {_replacement} in place of {_drive}: look at it with 'evestorage pool status {_pool.Name}', then replace it again");
        }

        using (IDisposable held = await _pool.LockAsync(Title, cancellationToken))
        {
            await _pool.NameDrivesAsync(cancellationToken);
            DriveClaim.Take(device);   // where a crash came before that
            if (old is not null && old.Number != device.Number)
            {
                await _pool.BlankAsync(old, cancellationToken);
            }
        }

        return began ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    // As long as the old drive has a part in it, it gets its place back. Then the new one has all, and the old one none of it any more.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await _pool.LockAsync($"undo: {Title}", cancellationToken);
        Replacements notes = await Replacements.FindAsync(_pool.Zpool, cancellationToken);
        if (Expected == StepEffect.AlreadySo || notes.By(context.Request.Id) is not string id)
        {
            return;   // what is there is not of this operation
        }

        (PoolReport report, string? names) = await _pool.LookAsync(cancellationToken);
        Drive? device = Drive.Find(_replacement);
        Vdev? member = id.Length > 0 ? report.Drives.FirstOrDefault(vdev => vdev.Guid == id) : device is null ? null : ZfsPool.MemberIn(report, device);
        if (member is null)
        {
            // Where nobody saw what ZFS did, and the device is gone, what is lost beside the old drive may be another's.
            if (id.Length == 0 && device is null && PoolDrives.Find(report, names, _drive) is Vdev old && LostBeside(report, old) is Vdev lost)
            {
                throw new StorageException(
                    StorageErrorKind.NeedsAttention, $"{_pool.Name}", $"has lost what was to replace {_drive}, which may not be {_replacement}: 'zpool detach {_pool.Zpool.Root} {lost.Guid}' gives {_drive} its place back");
            }

            await (device is null ? Task.CompletedTask : ZfsDrive.BlankAsync(_pool.Zpool.Tools, device, cancellationToken));
            await notes.NoteAsync(_pool.Zpool, report, context.Request.Id, null, cancellationToken);
            return;
        }

        if (!Replacements.Sharing(report).Contains(member))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{_pool.Name}", $"has {_replacement} in place of {_drive}, which holds nothing of it any more: replace it again");
        }

        await _pool.Zpool.Tools.ZpoolAsync($"{_pool.Name}", ["detach", _pool.Zpool.Root, member.Guid], cancellationToken);
        await (device is null ? Task.CompletedTask : _pool.BlankAsync(device, cancellationToken));
        await notes.NoteAsync(_pool.Zpool, report, context.Request.Id, null, cancellationToken);
    }

    /// <summary>What was to replace a drive, and answers no more; null when there is none.</summary>
    internal static Vdev? LostBeside(PoolReport report, Vdev old)
        => report.Groups.SelectMany(group => group.All).FirstOrDefault(vdev => vdev.Type == "replacing" && vdev.Below.Contains(old))
            ?.Below.FirstOrDefault(vdev => vdev.Guid != old.Guid && vdev.State is "UNAVAIL" or "REMOVED" or "FAULTED");

    // What is new then is ours: the pool's lock is held.
    private async Task AttachAsync(Vdev old, Drive device, PoolReport before, OperationContext context, CancellationToken cancellationToken)
    {
        Replacements notes = await Replacements.FindAsync(_pool.Zpool, cancellationToken);
        await notes.NoteAsync(_pool.Zpool, before, context.Request.Id, "", cancellationToken);
        await ZfsDrive.GiveAsync(_pool.Zpool.Tools, $"{_pool.Name}", [device], ["replace", _pool.Zpool.Root, old.Guid, ZfsDrive.NodeOf(device)], cancellationToken);
        PoolReport report = (await _pool.LookAsync(CancellationToken.None)).Report;
        if ((ZfsPool.MemberIn(report, device) ?? report.Drives.FirstOrDefault(vdev => before.Drives.All(other => other.Guid != vdev.Guid))) is Vdev added)
        {
            await notes.NoteAsync(_pool.Zpool, report, context.Request.Id, added.Guid, CancellationToken.None);
        }
    }

    // ZFS gives up on a drive that fails, and its place stays shared then; somebody may take the new one out of it.
    private async Task<bool> WaitAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool waited = false;
        long moved = context.Time.GetTimestamp();
        while ((await _pool.LookAsync(cancellationToken)).Report is { IsRebuilding: true } report)
        {
            waited = true;
            if (report.Scan is { IsResilver: true, IsRunning: true })
            {
                moved = context.Time.GetTimestamp();
            }
            else if (context.Time.GetElapsedTime(moved) > s_longestRest)
            {
                string drives = string.Join(", ", report.Drives.Where(vdev => vdev.State != "ONLINE").Select(vdev => $"{vdev.Path ?? vdev.Name} is {vdev.State}"));
                throw new StorageException(
                    StorageErrorKind.Io, $"{_pool.Name}", $"ZFS writes nothing to {_replacement} any more, which does not hold all of {_drive} yet ({(drives.Length > 0 ? drives : "all drives answer")}): replace {_drive} by another one");
            }

            context.Progress.Report(new(Title, new((long)(report.Scan?.Percent ?? 0)), new(100)));
            await Task.Delay(s_look, context.Time, cancellationToken);
        }

        return waited;
    }
}
