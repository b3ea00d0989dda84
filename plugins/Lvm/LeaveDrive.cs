using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Lets a drive go that holds nothing of the pool any more. The group keeps its name, so that what comes after is known to
/// be left to do when a crash cuts it short.
/// </summary>
internal sealed class LeaveDrive(LvmPool pool, LeavingDrive old) : StorageStep
{
    public override string Title => $"let {old.Name} go from {pool.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (old.In(await pool.DrivesAsync(cancellationToken)) is not PhysicalVolume drive)
        {
            return StepOutcome.AlreadySo;
        }

        if (drive.IsMissing)
        {
            await LeaveMissingAsync(drive, cancellationToken);
            await old.NoteAsync(pool.Group, cancellationToken);   // until now LVM changes nothing else
            await PhysicalDrive.NameAllAsync(pool.Group, await pool.DrivesAsync(cancellationToken), cancellationToken);
            return StepOutcome.Changed;
        }

        if (drive.Used.Bytes > 0)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"its drive {old.Name} still holds {drive.Used}: run the operation again");
        }

        await old.NoteAsync(pool.Group, cancellationToken);
        await pool.Group.RunAsync("vgreduce", [pool.Group.Name, drive.Path], cancellationToken);
        pool.Group.Devices = [.. pool.Group.Devices.Where(path => path != drive.Path)];
        return StepOutcome.Changed;
    }

    // It comes back, so that what was moved off it can.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (old.In(await pool.DrivesAsync(cancellationToken)) is not null || old.IsMissing || BlankDrive.Find(pool, old.Name) is not Drive drive)
        {
            return;
        }

        string? left = await FreeDevice.CheckAsync(pool.Group.Tools, drive, old.Name, cancellationToken);
        if (left is null)
        {
            await PhysicalDrive.MakeAsync(pool.Group.Tools, drive, left, context.Request.Id, cancellationToken);
        }

        await pool.TakeInAsync(drive, cancellationToken);
    }

    // Never by LVM's force, which would take what is left on it along.
    private async Task LeaveMissingAsync(PhysicalVolume drive, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> partial = drive.Used.Bytes == 0
            ? []
            : [.. (await pool.Group.ListAsync(cancellationToken)).Where(lv => lv.Health == "partial")];
        if (partial.FirstOrDefault(lv => !IsSpare(lv)) is LogicalVolume left)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Group.Subject(left.Name), $"still needs the missing drive {old.Name}: bring it back, or delete the volume");
        }

        // LVM's spare for repairs holds nothing, and LVM makes another when metadata grows.
        foreach (LogicalVolume spare in partial)
        {
            await pool.Group.RunAsync("lvremove", ["--yes", pool.Group.Subject(spare.Name)], cancellationToken);
        }

        await pool.Group.RunAsync("vgreduce", ["--removemissing", pool.Group.Name], cancellationToken);
        if (old.In(await pool.DrivesAsync(cancellationToken)) is not null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", $"LVM keeps the missing drive {old.Name}: bring it back, or look at 'vgs' and 'pvs'");
        }
    }

    private static bool IsSpare(LogicalVolume lv) => !lv.IsPublic && lv.Name.EndsWith("_pmspare", StringComparison.Ordinal);
}
