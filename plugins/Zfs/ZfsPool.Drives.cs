using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>The pool's drives.</summary>
internal sealed partial class ZfsPool : IDriveRestPool
{
    public async ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken)
        => Plan.Of(await AddDrive.PlanAsync(this, device, cancellationToken));

    public async ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken)
        => Plan.Of(await ReplaceDrive.PlanAsync(this, drive, replacement, cancellationToken));

    public async ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken)
        => Plan.Of(await RemoveDrive.PlanAsync(this, drive, cancellationToken));

    public async ValueTask<Plan> PlanOfflineDriveAsync(string drive, CancellationToken cancellationToken)
        => Plan.Of(await RestDrive.PlanAsync(this, drive, online: false, cancellationToken));

    public async ValueTask<Plan> PlanOnlineDriveAsync(string drive, CancellationToken cancellationToken)
        => Plan.Of(await RestDrive.PlanAsync(this, drive, online: true, cancellationToken));

    /// <summary>The pool as it is, with what its drives are called.</summary>
    internal async Task<(PoolReport Report, string? Names)> LookAsync(CancellationToken cancellationToken)
        => (await PoolReport.AskAsync(Zpool, Open.Version, cancellationToken), (await Zpool.FindAsync(Zpool.Root, cancellationToken, Property.PoolDrives))?[0]);

    /// <summary>Keeps in the pool what its drives are called now.</summary>
    internal async Task NameDrivesAsync(CancellationToken cancellationToken)
    {
        (PoolReport report, string? names) = await LookAsync(cancellationToken);
        await Zpool.SetAsync(Zpool.Root, [Property.Set(Property.PoolDrives, PoolDrives.Describe(report, names))], cancellationToken);
    }

    /// <summary>The drive of the pool that a device is; null when it is in none of its places.</summary>
    internal static Vdev? MemberIn(PoolReport report, Drive device)
        => report.Drives.FirstOrDefault(drive => PoolDrives.FindDevice(drive) is Drive there && ZfsDrive.WholeOf(there).Number == device.Number);

    /// <summary>Blanks a device that this pool has let go. ZFS's label on it still has the pool's guid; its name is that of other machines' pools, too.</summary>
    internal async Task BlankAsync(Drive device, CancellationToken cancellationToken)
    {
        (PoolReport report, _) = await LookAsync(cancellationToken);
        if (MemberIn(report, device) is null && VdevLabel.Find(ZfsDrive.DataOf(device)) is VdevLabel label && label.Guid == await Zpool.GuidAsync(cancellationToken))
        {
            await ZfsDrive.ClearAsync(Zpool.Tools, device, cancellationToken);
        }
    }
}
