using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>The pool's drives.</summary>
internal abstract partial class LvmPool
{
    public async ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken)
        => Plan.Of([await AddDrive.PlanAsync(this, device, cancellationToken), .. UseNewRoom()]);

    public async ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken)
    {
        PhysicalVolume old = await RequireDriveAsync(drive, cancellationToken);
        return Plan.Of(await AddDrive.PlanAsync(this, replacement, cancellationToken), new MoveDrive(this, old, replacement), new LeaveDrive(this, old));
    }

    public async ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken)
    {
        PhysicalVolume old = await RequireDriveAsync(drive, cancellationToken);
        IReadOnlyList<PhysicalVolume> others = [.. (await DrivesAsync(cancellationToken)).Where(other => other.Uuid != old.Uuid && !other.IsMissing)];
        ByteSize room = new(others.Sum(other => other.Size.Bytes - other.Used.Bytes));
        if (old.Used > room || others.Count < Redundancy.LeastDrives(Shape.Redundancy))
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace, $"{Name}", $"its drive {drive} holds {old.Used}, and the others have {room} free: add a drive first, or replace this one");
        }

        return Plan.Of(new MoveDrive(this, old, null), new LeaveDrive(this, old));
    }

    /// <summary>A drive of the pool by the name that status gives it, its path, or LVM's id of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>.</exception>
    internal async Task<PhysicalVolume> RequireDriveAsync(string drive, CancellationToken cancellationToken)
    {
        IReadOnlyList<PhysicalVolume> all = await DrivesAsync(cancellationToken);
        string called = Drive.Find(drive) is Drive found ? PoolDevices.PhysicalOf(found).Identity : drive;
        return all.FirstOrDefault(volume => volume.Path == drive || volume.Uuid == drive || volume.Tags["drive"] == PhysicalDrive.Plain(called)
                || (!volume.IsMissing && Drive.Find(volume.Path) is Drive device && PoolDevices.PhysicalOf(device).Identity == called))
            ?? throw new StorageException(
                StorageErrorKind.NotFound, $"{Name}", $"has no drive {drive}; it has {string.Join(", ", all.Select(volume => volume.Tags["drive"] ?? volume.Path))}");
    }

    /// <summary>Its drives as they are now, also the missing ones.</summary>
    internal Task<IReadOnlyList<PhysicalVolume>> DrivesAsync(CancellationToken cancellationToken)
        => PoolDevices.RefreshAsync(Group, Services.Devices, cancellationToken);

    /// <summary>What a new drive is used for.</summary>
    private protected virtual IEnumerable<StorageStep> UseNewRoom() => [];
}
