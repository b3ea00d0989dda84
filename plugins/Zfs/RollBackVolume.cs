using System.Text.Json;

namespace EveStorage.Zfs;

/// <summary>
/// Makes a volume what a snapshot froze. ZFS goes back along the line of snapshots: those that were taken since are destroyed, and the
/// plan says which. They, what was written, and the note of the operation go in one transaction.
/// </summary>
internal sealed class RollBackVolume : StorageStep
{
    private const int NoSnapshot = 2;   // ENOENT
    private const int NotYet = 11;      // EAGAIN: the snapshot is of the very same transaction
    private const int InUse = 16;       // EBUSY
    private const int Taken = 17;       // EEXIST: clones need it, or nobody told of it
    private const int Full = 28;        // ENOSPC

    private readonly ZfsPool _pool;
    private readonly SnapshotName _snapshot;
    private readonly IReadOnlyList<string> _newer;

    private RollBackVolume(ZfsPool pool, SnapshotName snapshot, IReadOnlyList<string> newer)
    {
        (_pool, _snapshot, _newer) = (pool, snapshot, newer);
        string lost = newer.Count == 0 ? "" : $", and the newer {(newer.Count == 1 ? "snapshot" : "snapshots")} {string.Join(", ", newer.Select(name => name[(name.LastIndexOf('/') + 1)..]))}";
        Expected = StepEffect.Destroys($"what was written to {pool.Name}/{snapshot.Volume} since {snapshot}{lost}");
    }

    public override string Title => $"roll {_pool.Subject(_snapshot.Volume)} back to {_snapshot}";

    public override StepEffect Expected { get; }

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or a clone needs what would be lost.</exception>
    internal static async Task<RollBackVolume> PlanAsync(ZfsPool pool, SnapshotName snapshot, CancellationToken cancellationToken)
    {
        IReadOnlyList<Dataset> found = await pool.Zpool.ListAsync(snapshot.Volume, cancellationToken);
        pool.OursIn(found, snapshot.Volume);
        Dataset[] newer = ZfsPool.SnapshotIn(found, snapshot) is Dataset target ? [.. found.Where(dataset => dataset.IsSnapshot && dataset.Made > target.Made)] : [];
        if (newer.FirstOrDefault(dataset => dataset.Clones.Count > 0) is Dataset needed)
        {
            string clones = string.Join(", ", needed.Clones.Select(name => name[(name.LastIndexOf('/') + 1)..]));
            throw new StorageException(
                StorageErrorKind.Busy, pool.Subject(snapshot.Volume), $"can't go back to {snapshot}: {clones} was cloned of what it was later; delete that first, or clone {snapshot} instead");
        }

        if (newer.FirstOrDefault(dataset => dataset.SnapshotId is null) is Dataset foreign)
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(snapshot.Volume), $"has the newer snapshot {foreign.Leaf}, which is not ours: it would be lost");
        }

        return new(pool, snapshot, [.. newer.Select(dataset => dataset.Name)]);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await _pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<Dataset> found = await _pool.Zpool.ListAsync(_snapshot.Volume, cancellationToken);
        Dataset volume = _pool.OursIn(found, _snapshot.Volume)
            ?? throw new StorageException(StorageErrorKind.NotFound, _pool.Subject(_snapshot.Volume), "there is no such volume");
        if (Property.NotedBy(volume.Rolled, context.Request.Id) != _snapshot.Label)
        {
            Dataset target = ZfsPool.SnapshotIn(found, _snapshot)
                ?? throw new StorageException(StorageErrorKind.NotFound, $"{_pool.Name}/{_snapshot}", "there is no such snapshot");
            await Zpool.WhenNotBusyAsync(() => RollBackAsync(volume, target, context, cancellationToken), _pool.Options.BusyTimeout, context.Time, cancellationToken);
        }

        Dataset now = _pool.OursIn(await _pool.Zpool.ListAsync(_snapshot.Volume, cancellationToken), _snapshot.Volume)!;
        await _pool.RequireReadyAsync(_snapshot.Volume, now.Form, now.Size, cancellationToken);
        return StepOutcome.Changed;
    }

    // It is one act: done, which nothing undoes, or not.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_pool.Zpool.In(await _pool.Zpool.ListAsync(_snapshot.Volume, cancellationToken), _snapshot.Volume) is Dataset volume
            && Property.NotedBy(volume.Rolled, context.Request.Id) == _snapshot.Label)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, _pool.Subject(_snapshot.Volume), $"was rolled back to {_snapshot}, and what it was is gone");
        }
    }

    private async Task RollBackAsync(Dataset volume, Dataset target, OperationContext context, CancellationToken cancellationToken)
    {
        JsonElement returned = await _pool.Zpool.Tools.ProgramAsync(
            _pool.Zpool.Root, "RollBack.lua", changes: true,
            [volume.Name, target.Label, Property.VolumeRolled, $"{context.Request.Id}:{_snapshot.Label}", .. _newer], cancellationToken);
        (string what, int errno) = (returned.GetProperty("what").GetString() ?? "", returned.GetProperty("errno").GetInt32());
        if (errno == 0)
        {
            return;
        }

        string subject = _pool.Subject(_snapshot.Volume);
        throw errno switch
        {
            Taken when !_newer.Contains(what) => new StorageException(StorageErrorKind.Conflict, subject, $"has a newer snapshot by now, {what}: plan it again, to see what is lost"),
            Taken => new(StorageErrorKind.Busy, subject, $"can't go back: a clone needs {what}"),
            Full => new(StorageErrorKind.OutOfSpace, subject, "can't go back: the pool has no room to keep free what is kept free for it"),
            NoSnapshot => new(StorageErrorKind.NotFound, $"{_pool.Name}/{_snapshot}", "there is no such snapshot"),
            InUse or NotYet => MadeVolume.Busy(what, "roll it back"),
            _ => new(StorageErrorKind.Io, subject, $"can't go back: ZFS refused {what} with errno {errno}"),
        };
    }
}
