namespace EveStorage.Lvm;

/// <summary>Tells once when something of a pool gets full or a drive changes its health, and not again until that changes.</summary>
internal sealed class PoolWarnings(IEventSink events, IReadOnlyList<int> levels)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _reached = [];
    private readonly Dictionary<string, PoolHealth> _drives = [];

    /// <summary>Looks at a status, and reports what has become worse.</summary>
    internal void Look(PoolName name, PoolStatus status)
    {
        lock (_gate)
        {
            if (status.Provisioned is not null)
            {
                LookAt(name, "data", status.Used, status.Size, "add a drive, or delete or discard something");
            }

            if (status.Metadata is SpaceUse metadata)
            {
                LookAt(name, "metadata", metadata.Used, metadata.Size, "delete snapshots, or add a drive");
            }

            foreach (DriveStatus drive in status.Drives)
            {
                LookAt(name, drive);
            }
        }
    }

    private void LookAt(PoolName name, string what, ByteSize used, ByteSize size, string advice)
    {
        double percent = size.Bytes == 0 ? 0 : 100.0 * used.Bytes / size.Bytes;
        int reached = levels.Count(level => percent >= level);
        if (reached > _reached.GetValueOrDefault(what))
        {
            EventSeverity severity = reached == levels.Count ? EventSeverity.Critical : EventSeverity.Warning;
            events.Report(new($"pool.{what}-filling", severity, $"{name}", $"its {what} is {percent:0.#} % full, {used} of {size}: {advice}"));
        }

        _reached[what] = reached;
    }

    private void LookAt(PoolName name, DriveStatus drive)
    {
        PoolHealth before = _drives.GetValueOrDefault(drive.Name, PoolHealth.Healthy);
        if (drive.Health != before)
        {
            events.Report(drive.Health == PoolHealth.Healthy
                ? new("pool.drive-recovered", EventSeverity.Information, $"{name}", $"the drive {drive.Name} is healthy again")
                : new(
                    drive.Health == PoolHealth.Failed ? "pool.drive-failed" : "pool.drive-degraded",
                    drive.Health == PoolHealth.Failed ? EventSeverity.Critical : EventSeverity.Warning, $"{name}", $"the drive {drive.Name}: {drive.Problem}"));
        }

        _drives[drive.Name] = drive.Health;
    }
}
