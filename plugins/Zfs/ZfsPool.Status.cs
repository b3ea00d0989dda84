using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>How the pool is.</summary>
internal sealed partial class ZfsPool
{
    private const int WornPercent = 90;
    private const int FillingPercent = 80;

    public async ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        PoolReport report = await PoolReport.AskAsync(Zpool, Open.Version, cancellationToken);
        string? names = (await Zpool.FindAsync(Zpool.Root, cancellationToken, Property.PoolDrives))?[0];
        DriveStatus[] drives = [.. report.Drives.Select(drive => StatusOf(drive, names))];
        List<string> problems = [.. drives.Where(drive => drive.Problem is not null).Select(drive => $"drive {drive.Name}: {drive.Problem}")];
        bool failed = report.State is "FAULTED" or "UNAVAIL" or "SUSPENDED";
        if (failed)
        {
            problems.Add($"{Name}: ZFS calls it {report.State}: bring its drives back, then run 'zpool clear {Zpool.Root}'");
        }

        if (report.Errors > 0)
        {
            problems.Add($"{Name}: {report.Errors} places of its data are lost; 'zpool status -v {Zpool.Root}' names the volumes: restore them from copies");
        }

        PoolStatus space = await SpaceAsync(problems, cancellationToken);
        return space with
        {
            Health = failed ? PoolHealth.Failed : problems.Count == 0 && report.State == "ONLINE" ? PoolHealth.Healthy : PoolHealth.Degraded,
            Drives = drives,
            Scrub = report.Scan is PoolScan scan
                ? new() { Running = scan is { IsRunning: true, IsPaused: false }, Paused = scan.IsPaused, Percent = scan.Percent, Errors = scan.Errors, Ended = scan.IsResilver ? null : scan.Ended }
                : null,
            Trim = await TrimReport.AskAsync(Zpool, Open.Version, cancellationToken),
            ReservedMemory = ArcMemory.Now,
            Problems = problems,
        };
    }

    // ZFS keeps these numbers as it goes: nothing is counted here but volumes, however much they hold and however often they were frozen.
    private async Task<PoolStatus> SpaceAsync(List<string> problems, CancellationToken cancellationToken)
    {
        string?[] root = await Zpool.FindAsync(Zpool.Root, cancellationToken, "used", "available", "logicalused")
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{Name}", $"the ZFS pool {Zpool.Root} is gone: open it again");
        long used = long.Parse(root[0] ?? "0", CultureInfo.InvariantCulture);
        long free = long.Parse(root[1] ?? "0", CultureInfo.InvariantCulture);
        IReadOnlyList<Dataset> volumes = await Zpool.ListVolumesAsync(cancellationToken);
        double percent = used * 100.0 / Math.Max(1, used + free);
        if (percent >= FillingPercent)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{Name}: it is {percent:0.#} % full: add a drive with 'evestorage pool add', or delete something"));
        }

        problems.AddRange(volumes.Where(dataset => dataset.Mark is null && !dataset.Leaf.StartsWith('_')).Select(
            dataset => $"{dataset.Name}: is not ours and is left alone; it takes {dataset.Allocated}"));
        return new()
        {
            Health = PoolHealth.Healthy,
            Size = new(used + free),
            Used = new(used),
            Free = new(free),
            Provisioned = new(volumes.Sum(dataset => dataset.Size.Bytes)),
            Logical = root[2] is string logical ? new ByteSize(long.Parse(logical, CultureInfo.InvariantCulture)) : null,
            AllocatedBySnapshots = new(volumes.Sum(dataset => dataset.UsedBySnapshots.Bytes)),
        };
    }

    private DriveStatus StatusOf(Vdev vdev, string? names)
    {
        Drive? device = PoolDrives.FindDevice(vdev);
        Drive? drive = device is null ? null : ZfsDrive.PhysicalOf(ZfsDrive.WholeOf(device));
        string called = PoolDrives.CalledOf(vdev, names);
        DriveHealth health = drive is null ? default : DriveHealth.Of(drive);
        string replace = $"'evestorage pool replace {Name} {called} DEVICE'";
        string? problem = vdev.State switch
        {
            "UNAVAIL" or "REMOVED" => $"is missing: bring it back, or replace it with {replace}",
            "FAULTED" => $"ZFS has given it up ({vdev.Failures}): replace it with {replace}",
            "OFFLINE" => $"was taken out of use: run 'evestorage pool online {Name} {called}', or replace it with {replace}",
            _ when health.Problem is string said => $"{said}: replace it with {replace}",
            _ when vdev.Failures.Any => $"{vdev.Failures}: look at its cable and its health, then run 'zpool clear {Zpool.Root}', or replace it with {replace}",
            _ when health.WearPercent >= WornPercent => $"{health.WearPercent} % of its life is used: plan to replace it",
            "ONLINE" => null,
            string other => $"ZFS calls it {other}",
        };
        return new()
        {
            Name = called,
            Path = drive?.Path,
            Health = vdev.State is "UNAVAIL" or "REMOVED" or "FAULTED" or "OFFLINE" ? PoolHealth.Failed : problem is null ? PoolHealth.Healthy : PoolHealth.Degraded,
            Size = drive?.Size,
            WearPercent = health.WearPercent,
            Problem = problem,
        };
    }
}
