using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>How the pool is.</summary>
internal abstract partial class LvmPool
{
    private const int WornPercent = 90;
    private const int FillingPercent = 80;

    public async ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<PhysicalVolume> physical = await DrivesAsync(cancellationToken);
        GroupFacts facts = await Group.RequireAsync(cancellationToken);
        IReadOnlyList<LogicalVolume> all = await Group.ListAsync(cancellationToken);
        List<string> problems = [];
        IReadOnlyList<DriveStatus> drives = DrivesOf(physical);
        problems.AddRange(drives.Where(drive => drive.Problem is not null).Select(drive => $"drive {drive.Name}: {drive.Problem}"));
        problems.AddRange(ProblemsOf(all));
        PoolStatus space = SpaceOf(facts, all, problems);
        bool failed = all.Any(lv => lv.Health.Contains("partial", StringComparison.Ordinal) && Shape.Redundancy == PoolRedundancy.None)
            || all.Any(lv => lv.Name == LvName.ThinPool && (lv.Health is "failed" or "metadata_read_only" || !HasThinPool));
        return space with
        {
            Health = failed ? PoolHealth.Failed : problems.Count == 0 ? PoolHealth.Healthy : PoolHealth.Degraded,
            Drives = drives,
            Scrub = ScrubOf(all),
            Problems = [.. problems, .. UnfinishedOf(all)],
        };
    }

    public async ValueTask<Plan> PlanScrubAsync(CancellationToken cancellationToken)
        => Shape.Redundancy == PoolRedundancy.None
            ? throw new StorageException(StorageErrorKind.NotSupported, $"{Name}", "has no redundancy to check: what a drive returns is all there is")
            : Plan.Of(await StartScrub.PlanAsync(this, cancellationToken));

    // Before its first volume a thin pool has no layer of its own (lvm2, lv_is_new_thin_pool).
    private bool HasThinPool => DeviceMapper.Find(Group.ThinPoolDevice) is not null || DeviceMapper.Find(Group.DeviceOf(LvName.ThinPool)) is not null;

    private PoolStatus SpaceOf(GroupFacts facts, IReadOnlyList<LogicalVolume> all, List<string> problems)
    {
        if (all.FirstOrDefault(lv => lv.Name == LvName.ThinPool) is not LogicalVolume pool || Shape.Provisioning != LvmProvisioning.Thin)
        {
            ByteSize free = Redundancy.Usable(facts.Free, Shape.Redundancy, Shape.Legs);
            ByteSize size = Redundancy.Usable(facts.Size, Shape.Redundancy, Shape.Legs);
            return new() { Health = PoolHealth.Healthy, Size = size, Used = new(size.Bytes - free.Bytes), Free = free };
        }

        ByteSize used = Part(pool.Size, pool.DataPercent);
        SpaceUse metadata = new(pool.MetadataSize, Part(pool.MetadataSize, pool.MetadataPercent));
        AddFilling(problems, "data", pool.DataPercent, "add a drive with 'evestorage pool add', or delete or discard something");
        AddFilling(problems, "metadata", pool.MetadataPercent, "delete snapshots, or add a drive with 'evestorage pool add'");
        return new()
        {
            Health = PoolHealth.Healthy,
            Size = pool.Size,
            Used = used,
            Free = new(pool.Size.Bytes - used.Bytes),
            Provisioned = new(all.Where(lv => lv.IsThin).Sum(lv => lv.Size.Bytes)),
            Metadata = metadata,
        };
    }

    private void AddFilling(List<string> problems, string what, double? percent, string advice)
    {
        if (percent >= FillingPercent)
        {
            problems.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Name}: its {what} is {percent:0.#} % full: {advice}"));
        }
    }

    private IEnumerable<string> ProblemsOf(IReadOnlyList<LogicalVolume> all)
    {
        // The copies of a thin pool are those of its hidden parts.
        foreach (LogicalVolume lv in all.Where(lv => lv.IsPublic || lv.SyncAction.Length > 0))
        {
            string shown = lv.IsPublic && LvName.Parse(lv.Name) is VolumeName name ? Subject(name) : Group.Subject(lv.Name);
            if (lv.IsPublic && !lv.Tags.IsOurs && lv.Name != LvName.ThinPool)
            {
                yield return $"{shown}: is not ours and is left alone; it takes {lv.Size}";
            }

            if (AdviceFor(lv) is string advice)
            {
                yield return $"{shown}: {advice}";
            }
        }

        HashSet<Guid> volumes = [.. all.Where(IsVolume).Select(lv => lv.Tags.Id!.Value)];
        if (Area.CountDamaged(volumes) is int damaged and > 0)
        {
            yield return $"{Name}: one of the two copies of {damaged} records is damaged: check the drives; the next change of each volume writes both";
        }
    }

    // An operation may be at it this very moment, so that it says nothing of the pool's health.
    private IEnumerable<string> UnfinishedOf(IReadOnlyList<LogicalVolume> all)
        => all.Where(lv => lv.IsPublic && lv.Tags.Making is not null).Select(
            lv => $"{(LvName.Parse(lv.Name) is VolumeName name ? Subject(name) : Group.Subject(lv.Name))}: is being made by the operation {lv.Tags.Making}; if that was cut short, run or undo it");

    // lvmreport(7), lv_health_status: the words that LVM has.
    private string? AdviceFor(LogicalVolume lv) => lv.Health switch
    {
        "" => null,
        "partial" when Shape.Redundancy != PoolRedundancy.None => null,   // its drive says so, once
        "partial" => $"a drive of it is missing: bring it back, or replace it with 'evestorage pool replace {Name} DRIVE DEVICE'",
        "refresh needed" => $"a drive of it was away and is back: bring it up to date with 'evestorage pool scrub {Name}'",
        "mismatches exist" => "its copies did not agree in the last check: look at the drives' health, then restore what is doubtful",
        "out_of_data" => $"the pool is full and writes fail: add a drive with 'evestorage pool add {Name} DEVICE', or delete something",
        "metadata_read_only" when !lv.NeedsCheck => $"its metadata is full, and every write fails: add a drive with 'evestorage pool add {Name} DEVICE', and it grows",
        "metadata_read_only" => $"its metadata takes no writes: {Repair}",
        "failed" => $"the thin pool has failed: {Repair}",
        string other => $"LVM calls it '{other}'",
    };

    private string Repair => $"stop the host, then run 'vgchange --activate n {Group.Name}' and 'lvconvert --repair {Group.Subject(LvName.ThinPool)}'";

    private IReadOnlyList<DriveStatus> DrivesOf(IReadOnlyList<PhysicalVolume> physical)
    {
        return [.. physical.Select(volume =>
        {
            Drive? drive = volume.IsMissing || Drive.Find(volume.Path) is not Drive device ? null : PoolDevices.PhysicalOf(device);
            string called = drive?.Identity ?? volume.Tags["drive"] ?? volume.Uuid;
            DriveHealth health = drive is null ? default : DriveHealth.Of(drive);
            string? problem = drive is null ? $"is missing: bring it back, or replace it with 'evestorage pool replace {Name} {called} DEVICE'"
                : health.Problem is string said ? $"{said}: replace it with 'evestorage pool replace {Name} {called} DEVICE'"
                : health.WearPercent >= WornPercent ? $"{health.WearPercent} % of its life is used: plan to replace it"
                : null;
            return new DriveStatus
            {
                Name = called,
                Path = drive?.Path,
                Health = drive is null ? PoolHealth.Failed : problem is null ? PoolHealth.Healthy : PoolHealth.Degraded,
                Size = drive?.Size,
                WearPercent = health.WearPercent,
                Problem = problem,
            };
        })];
    }

    private static ScrubStatus? ScrubOf(IReadOnlyList<LogicalVolume> all)
    {
        List<LogicalVolume> redundant = [.. all.Where(lv => lv.SyncAction.Length > 0)];
        if (redundant.Count == 0)
        {
            return null;
        }

        bool running = redundant.Any(lv => lv.SyncAction is not ("idle" or "frozen"));
        return new()
        {
            Running = running,
            Percent = running ? redundant.Min(lv => lv.SyncPercent) : null,
            Errors = redundant.Sum(lv => lv.Mismatches ?? 0),
        };
    }

    private static ByteSize Part(ByteSize size, double? percent) => new((long)(size.Bytes * ((percent ?? 0) / 100)));
}
