using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>The pool's drives.</summary>
internal abstract partial class LvmPool
{
    public async ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken)
        => Plan.Of([await AddDrive.PlanAsync(this, device, cancellationToken), .. UseNewRoom()]);

    public async ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken)
    {
        StorageStep add = await AddDrive.PlanAsync(this, replacement, cancellationToken);
        return await FindDriveAsync(drive, cancellationToken) is PhysicalVolume old
            ? Plan.Of(add, new MoveDrive(this, old, replacement), new LeaveDrive(this, old), new BlankDrive(this, PhysicalDrive.CalledOf(old)))
            : Plan.Of(add, await RestOfLeavingAsync(drive, cancellationToken, mayHaveLeft: add.Expected == StepEffect.AlreadySo));
    }

    public async ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken)
    {
        if (await FindDriveAsync(drive, cancellationToken) is not PhysicalVolume old)
        {
            return Plan.Of(await RestOfLeavingAsync(drive, cancellationToken));
        }

        IReadOnlyList<PhysicalVolume> others = [.. (await DrivesAsync(cancellationToken)).Where(other => other.Uuid != old.Uuid && !other.IsMissing)];
        ByteSize room = new(others.Sum(other => other.Size.Bytes - other.Used.Bytes));
        if (old.Used > room || others.Count < Redundancy.LeastDrives(Shape.Redundancy))
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace, $"{Name}", $"its drive {drive} holds {old.Used}, and the others have {room} free: add a drive first, or replace this one");
        }

        return Plan.Of(new MoveDrive(this, old, null), new LeaveDrive(this, old), new BlankDrive(this, PhysicalDrive.CalledOf(old)));
    }

    /// <summary>A drive of the pool by the name that status gives it, its path, or LVM's id of it; null when it has none such.</summary>
    internal async Task<PhysicalVolume?> FindDriveAsync(string drive, CancellationToken cancellationToken)
    {
        string called = IdentityOf(drive);
        return (await DrivesAsync(cancellationToken)).FirstOrDefault(
            volume => volume.Path == drive || volume.Uuid == drive || volume.Tags["drive"] == PhysicalDrive.Plain(called)
                || (!volume.IsMissing && Drive.Find(volume.Path) is Drive device && PoolDevices.PhysicalOf(device).Identity == called));
    }

    // A crash may have come between the drive's leaving and the end of its operation, which then runs again. A replacement is in the pool by then.
    private async Task<BlankDrive> RestOfLeavingAsync(string drive, CancellationToken cancellationToken, bool mayHaveLeft = true)
        => mayHaveLeft && LeaveDrive.HasLeft(await Group.RequireAsync(cancellationToken), IdentityOf(drive))
            ? new(this, IdentityOf(drive))
            : throw new StorageException(
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
    private protected virtual IEnumerable<StorageStep> UseNewRoom() => [];
}
