using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Takes a device that holds nothing known into the volume group.</summary>
internal sealed class AddDrive(LvmPool pool, string device, StepEffect expected) : StorageStep
{
    public override string Title => $"take {device} into {pool.Name}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it has a signature, or is in use.</exception>
    internal static async Task<AddDrive> PlanAsync(LvmPool pool, string device, CancellationToken cancellationToken)
    {
        if (FreeDevice.IsYetToCome(device))
        {
            return new(pool, device, StepEffect.Change);
        }

        Drive drive = FreeDevice.Require(device);
        if (await FindAsync(pool, drive, cancellationToken) is not null)
        {
            return new(pool, device, StepEffect.AlreadySo);
        }

        await FreeDevice.CheckAsync(pool.Group.Tools, drive, device, cancellationToken);
        return new(pool, device, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Drive drive = FreeDevice.Require(device);
        if (await FindAsync(pool, drive, cancellationToken) is PhysicalVolume there)
        {
            await PhysicalDrive.NameAllAsync(pool.Group, await pool.DrivesAsync(cancellationToken), cancellationToken);
            return there.Uuid == FreeDevice.UuidFor(context.Request.Id, drive) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        string? left = await FreeDevice.CheckAsync(pool.Group.Tools, drive, device, cancellationToken);
        await PhysicalDrive.MakeAsync(pool.Group.Tools, drive, left, context.Request.Id, cancellationToken);
        await pool.TakeInAsync(drive, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (Drive.Find(device) is not Drive drive)
        {
            return;
        }

        if (await FindAsync(pool, drive, cancellationToken) is PhysicalVolume there && there.Uuid == FreeDevice.UuidFor(context.Request.Id, drive))
        {
            // LVM lets none go while one is missing. It is there for the next try, and so is one that another drive's data was moved to.
            if (there.Used.Bytes > 0 || (await pool.DrivesAsync(cancellationToken)).Any(volume => volume.IsMissing))
            {
                return;
            }

            await pool.Group.RunAsync("vgreduce", [pool.Group.Name, there.Path], cancellationToken);
            pool.Group.Devices = [.. pool.Group.Devices.Where(path => path != there.Path)];
        }

        await PhysicalDrive.UnmakeAsync(pool.Group.Tools, drive, context.Request.Id, cancellationToken);
    }

    private static async Task<PhysicalVolume?> FindAsync(LvmPool pool, Drive drive, CancellationToken cancellationToken)
    {
        IReadOnlyList<PhysicalVolume> all = await PoolDevices.RefreshAsync(pool.Group, [.. pool.Services.Devices, drive.Path], cancellationToken);
        string node = PoolDevices.NodeOf(drive);
        return all.FirstOrDefault(volume => volume.Path == node);
    }
}
