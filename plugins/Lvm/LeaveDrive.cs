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
        await PoolDevices.RefreshAsync(pool.Group, pool.Services.Devices, cancellationToken);
        if ((await pool.Group.ListDrivesAsync(cancellationToken)).FirstOrDefault(volume => volume.Uuid == old.Uuid) is not PhysicalVolume drive)
        {
            return StepOutcome.AlreadySo;
        }

        if (drive.IsMissing)
        {
            await LeaveMissingAsync(drive, cancellationToken);
            await PhysicalDrive.NameAllAsync(pool.Group, cancellationToken);
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

    private async Task LeaveMissingAsync(PhysicalVolume drive, CancellationToken cancellationToken)
    {
        if (drive.Used.Bytes == 0)
        {
            await pool.Group.RunAsync("vgreduce", ["--removemissing", pool.Group.Name], cancellationToken);
            return;
        }

        // What is left on it may only be the spare for repairs: LVM makes a new one. Anything else would be lost.
        if ((await pool.Group.ListAsync(cancellationToken)).FirstOrDefault(lv => lv.Health == "partial" && !lv.Name.EndsWith("_pmspare", StringComparison.Ordinal)) is LogicalVolume left)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, pool.Group.Subject(left.Name), $"still needs the missing drive {Called}: bring it back, or delete the volume");
        }

        await pool.Group.RunAsync("vgreduce", ["--removemissing", "--force", pool.Group.Name], cancellationToken);
    }
}
