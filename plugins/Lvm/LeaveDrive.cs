namespace EveStorage.Lvm;

/// <summary>Lets a drive go that holds nothing of the pool any more, and takes LVM's label from it where it is still there.</summary>
internal sealed class LeaveDrive(LvmPool pool, PhysicalVolume old) : StorageStep
{
    private string Called => old.Tags["drive"] ?? old.Path;

    public override string Title => $"let {Called} go from {pool.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if ((await pool.DrivesAsync(cancellationToken)).FirstOrDefault(volume => volume.Uuid == old.Uuid) is not PhysicalVolume drive)
        {
            return StepOutcome.AlreadySo;
        }

        if (drive.IsMissing)
        {
            await LeaveMissingAsync(drive, cancellationToken);
            await PhysicalDrive.NameAllAsync(pool.Group, await pool.DrivesAsync(cancellationToken), cancellationToken);
            return StepOutcome.Changed;
        }

        if (drive.Used.Bytes > 0)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"its drive {Called} still holds {drive.Used}: run the operation again");
        }

        await pool.Group.RunAsync("vgreduce", [pool.Group.Name, drive.Path], cancellationToken);
        await pool.Group.Tools.RunAsync("pvremove", [drive.Path], ["--yes", drive.Path], cancellationToken);
        pool.Group.Devices = [.. pool.Group.Devices.Where(path => path != drive.Path)];
        return StepOutcome.Changed;
    }

    // It is blank and can be added again; what was moved off it is safe where it is.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    // Never by LVM's force, which would take what is left on it along.
    private async Task LeaveMissingAsync(PhysicalVolume drive, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> partial = drive.Used.Bytes == 0
            ? []
            : [.. (await pool.Group.ListAsync(cancellationToken)).Where(lv => lv.Health == "partial")];
        if (partial.FirstOrDefault(lv => !IsSpare(lv)) is LogicalVolume left)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Group.Subject(left.Name), $"still needs the missing drive {Called}: bring it back, or delete the volume");
        }

        // LVM's spare for repairs holds nothing, and LVM makes another when metadata grows.
        foreach (LogicalVolume spare in partial)
        {
            await pool.Group.RunAsync("lvremove", ["--yes", pool.Group.Subject(spare.Name)], cancellationToken);
        }

        await pool.Group.RunAsync("vgreduce", ["--removemissing", pool.Group.Name], cancellationToken);
        if ((await pool.DrivesAsync(cancellationToken)).Any(volume => volume.Uuid == old.Uuid))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", $"LVM keeps the missing drive {Called}: bring it back, or look at 'vgs' and 'pvs'");
        }
    }

    private static bool IsSpare(LogicalVolume lv) => !lv.IsPublic && lv.Name.EndsWith("_pmspare", StringComparison.Ordinal);
}
