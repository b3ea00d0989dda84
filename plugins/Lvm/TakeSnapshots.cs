namespace EveStorage.Lvm;

/// <summary>
/// Freezes volumes, each as they all are at one moment. One alone is LVM's own act. Of several, LVM first makes a snapshot
/// each, which fixes their names and numbers; then all volumes are suspended, each snapshot's thin device is taken anew under
/// its number, and all go on: LVM's metadata is the same before and after. The tag that they are being made goes last.
/// </summary>
internal sealed class TakeSnapshots(LvmThinPool pool, IReadOnlyList<SnapshotName> snapshots) : StorageStep
{
    // A guest that waits longer than this for a disk may give it up: NVMe's own limit is 30 s.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(15);

    public override string Title { get; } = $"take {string.Join(", ", snapshots.Select(s => $"{pool.Name}/{s}"))}";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">A name is taken, or there is no room.</exception>
    internal static async Task<TakeSnapshots> PlanAsync(LvmThinPool pool, IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        RequireFree(pool, all, snapshots);
        return new(pool, snapshots);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await ThinPoolRoom.ListAsync(pool, cancellationToken);
        if (snapshots.All(s => LvmThinPool.SnapshotIn(all, s)?.Tags.Mark == context.Mark))
        {
            return StepOutcome.Changed;
        }

        // Some of them, or unfinished ones, after a crash: the others would be of a later moment.
        await RemoveMadeAsync(all, context, cancellationToken);
        RequireFree(pool, all.Where(lv => lv.Tags.Mark != context.Mark).ToList(), snapshots);
        LogicalVolume[] volumes = [.. snapshots.Select(s => LvmPool.VolumeIn(all, s.Volume)
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(s.Volume), "there is no such volume"))];
        pool.RequireRoom(all, new(0), $"{pool.Name}");
        bool several = snapshots.Count > 1;
        for (int at = 0; at < snapshots.Count; at++)
        {
            await CreateAsync(snapshots[at], volumes[at], several, context, cancellationToken);
        }

        if (several)
        {
            await TakeAtOneMomentAsync(volumes, context, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        await RemoveMadeAsync(await pool.Group.ListCommittedAsync(cancellationToken), context, cancellationToken);
    }

    private Task CreateAsync(SnapshotName snapshot, LogicalVolume volume, bool several, OperationContext context, CancellationToken cancellationToken)
    {
        Guid id = context.IdOf(snapshot);
        string[] tags =
        [
            .. LvTags.New(context.Request.Id, id), LvTags.Tag("of", volume.Tags.Id!.Value), LvTags.Tag("label", snapshot.Label),
            LvTags.Tag("created", context.Time.GetUtcNow().ToUnixTimeMilliseconds()), .. several ? [LvTags.Tag("making", context.Request.Id)] : Array.Empty<string>(),
        ];
        return pool.Group.CreateAsync(
            [
                "--snapshot", "--name", LvName.OfSnapshot(id), "--permission", "r", "--setactivationskip", "y",
                .. MadeVolume.TagWords(tags), pool.Group.Subject(volume.Name),
            ],
            cancellationToken);
    }

    private async Task TakeAtOneMomentAsync(LogicalVolume[] volumes, OperationContext context, CancellationToken cancellationToken)
    {
        DeviceMapper mapper = pool.Group.Tools.Mapper;
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        string[] devices = [.. volumes.Select(volume => pool.Group.DeviceOf(volume.Name)).Distinct()];
        using CancellationTokenSource longest = new(s_longest, context.Time);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, longest.Token);
        try
        {
            foreach (string device in devices)
            {
                await mapper.SuspendAsync(device, limit.Token);
            }

            for (int at = 0; at < volumes.Length; at++)
            {
                string frozen = LvName.OfSnapshot(context.IdOf(snapshots[at]));
                long number = all.First(lv => lv.Name == frozen).ThinId!.Value;
                await mapper.SendAsync(pool.Group.ThinPoolDevice, $"delete {number}", limit.Token);
                await mapper.SendAsync(pool.Group.ThinPoolDevice, $"create_snap {number} {volumes[at].ThinId}", limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"the volumes could not be stopped together within {s_longest.TotalSeconds:0} s: try again when less is written");
        }
        finally
        {
            // Whatever happened, nobody is left waiting; a crash here is what opening the pool repairs.
            await ResumeAsync(mapper, devices, context.Time);
        }

        await pool.Group.ChangeAsync(
            [.. snapshots.Select(snapshot => LvName.OfSnapshot(context.IdOf(snapshot)))], ["--deltag", LvTags.Tag("making", context.Request.Id)], cancellationToken);
    }

    private static async Task ResumeAsync(DeviceMapper mapper, string[] devices, TimeProvider time)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1), time);
        Exception? first = null;
        foreach (string device in DeviceMapper.Suspended(devices.ToHashSet(StringComparer.Ordinal)))
        {
            try
            {
                await mapper.ResumeAsync(device, limit.Token);
            }
            catch (Exception e) when (e is StorageException or OperationCanceledException)
            {
                first ??= e;   // the others' guests wait, too
            }
        }

        if (first is not null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, string.Join(", ", devices), $"not all of them go on: run 'dmsetup resume' ({first.Message})", first);
        }
    }

    /// <summary>Removes what a group snapshot that a crash cut short left. It was of no moment, and is no snapshot; running it again takes others.</summary>
    internal static async Task RemoveUnfinishedAsync(VolumeGroup group, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (LogicalVolume left in (await group.ListCommittedAsync(cancellationToken)).Where(lv => lv.Tags is { IsOurs: true, Of: not null, Making: not null }))
        {
            await group.RemoveAsync(left.Name, LvTags.Tag("making", left.Tags.Making!.Value), time, cancellationToken);
        }
    }

    private async Task RemoveMadeAsync(IReadOnlyList<LogicalVolume> all, OperationContext context, CancellationToken cancellationToken)
    {
        foreach (LogicalVolume made in all.Where(lv => lv.Tags.Mark == context.Mark && lv.Tags.Of is not null))
        {
            await pool.Group.RemoveAsync(made.Name, LvTags.OperationTag(context.Request.Id), context.Time, cancellationToken);
        }
    }

    private static void RequireFree(LvmThinPool pool, IReadOnlyList<LogicalVolume> all, IReadOnlyList<SnapshotName> snapshots)
    {
        if (snapshots.Where(s => LvmThinPool.SnapshotIn(all, s) is not null).ToList() is [SnapshotName taken, ..])
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{taken}", "is there: choose another name");
        }
    }
}
