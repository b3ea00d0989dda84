using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>The pool's drives.</summary>
internal abstract partial class LvmPool
{
    public async ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken)
        => Plan.Of([await AddDrive.PlanAsync(this, device, cancellationToken), .. UseNewRoom(device)]);

    public async ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken)
    {
        StorageStep add = await AddDrive.PlanAsync(this, replacement, cancellationToken);
        if (await FindDriveAsync(drive, cancellationToken) is not PhysicalVolume old)
        {
            return Plan.Of([add, .. Leave(await LeftAsync(drive, mayHaveLeft: add.Expected == StepEffect.AlreadySo, cancellationToken), replacement)]);
        }

        RequireCopies(old);
        RequireMover(old);
        if (add.Expected != StepEffect.AlreadySo && Drive.Find(replacement) is Drive there && BlockDevice.GetSize(there.Path) is ByteSize size && size < old.Used)
        {
            throw new StorageException(StorageErrorKind.OutOfSpace, replacement, $"has {size}, and {drive} holds {old.Used}: take a drive of at least its size");
        }

        return Plan.Of([add, .. Leave(LeavingDrive.Of(old), replacement)]);
    }

    public async ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken)
    {
        if (await FindDriveAsync(drive, cancellationToken) is not PhysicalVolume old)
        {
            return Plan.Of(Leave(await LeftAsync(drive, mayHaveLeft: true, cancellationToken), null));
        }

        IReadOnlyList<PhysicalVolume> others = [.. (await DrivesAsync(cancellationToken)).Where(other => other.Uuid != old.Uuid && !other.IsMissing)];
        ByteSize room = new(others.Sum(other => other.Size.Bytes - other.Used.Bytes));
        RequireCopies(old);
        RequireMover(old);
        int least = Shape.Redundancy == PoolRedundancy.None ? 1 : Shape.Legs;   // two copies on one drive are none
        if (old.Used > room || others.Count < least)
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace, $"{Name}", $"its drive {drive} holds {old.Used}, and the {others.Count} others have {room} free, where {least} are needed: add a drive first, or replace this one");
        }

        return Plan.Of(Leave(LeavingDrive.Of(old), null));
    }

    /// <summary>A drive of the pool by the name that status gives it, its path, or LVM's id of it; null when it has none such.</summary>
    internal async Task<PhysicalVolume?> FindDriveAsync(string drive, CancellationToken cancellationToken)
    {
        string called = IdentityOf(drive);
        return (await DrivesAsync(cancellationToken)).FirstOrDefault(
            volume => volume.Path == drive || volume.Uuid == drive || volume.Tags["drive"] == PhysicalDrive.Plain(called)
                || (!volume.IsMissing && Drive.Find(volume.Path) is Drive device && PoolDevices.PhysicalOf(device).Identity == called));
    }

    // Data is moved off a drive by LVM's pvmove, which copies through a mirror of device-mapper's.
    private static void RequireMover(PhysicalVolume drive)
    {
        if (!drive.IsMissing && KernelModule.Missing([("dm-mirror", "CONFIG_DM_MIRROR")]).ToList() is [string missing])
        {
            throw new StorageException(StorageErrorKind.NotSupported, PhysicalDrive.CalledOf(drive), $"can't be moved off: {missing}");
        }
    }

    private void RequireCopies(PhysicalVolume drive)
    {
        if (drive is { IsMissing: true, Used.Bytes: > 0 } && Shape.Redundancy == PoolRedundancy.None)
        {
            throw new StorageException(
                StorageErrorKind.NeedsAttention, $"{Name}", $"has no copy of what {PhysicalDrive.CalledOf(drive)} held: bring that drive back, or restore the volumes from copies");
        }
    }

    private StorageStep[] Leave(LeavingDrive drive, string? replacement)
        => [new MoveDrive(this, drive, replacement), new LeaveDrive(this, drive), new BlankDrive(this, drive.Name)];

    // A crash may have come between the drive's leaving and the end of its operation, which is then run again or undone. A replacement
    // is in the pool by then.
    private async Task<LeavingDrive> LeftAsync(string drive, bool mayHaveLeft, CancellationToken cancellationToken)
        => (mayHaveLeft ? LeavingDrive.LastOf(await Group.RequireAsync(cancellationToken), IdentityOf(drive)) : null)
            ?? throw new StorageException(
                StorageErrorKind.NotFound, $"{Name}", $"has no drive {drive}; it has {string.Join(", ", (await DrivesAsync(cancellationToken)).Select(PhysicalDrive.CalledOf))}");

    private static string IdentityOf(string drive) => Drive.Find(drive) is Drive found ? PoolDevices.PhysicalOf(found).Identity : drive;

    /// <summary>Takes a physical volume that is in no group into this one. The caller holds the pool's lock.</summary>
    internal async Task TakeInAsync(Drive drive, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        string[] devices = [.. Group.Devices, node];
        await Group.Tools.RunAsync("vgextend", devices, [Group.Name, node], cancellationToken);
        Group.Devices = devices;
        await PhysicalDrive.NameAllAsync(Group, await DrivesAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Its drives as they are now, also the missing ones.</summary>
    internal Task<IReadOnlyList<PhysicalVolume>> DrivesAsync(CancellationToken cancellationToken)
        => PoolDevices.RefreshAsync(Group, Services.Devices, cancellationToken);

    /// <summary>What a new drive is used for.</summary>
    private protected virtual IEnumerable<StorageStep> UseNewRoom(string device) => [];
}
