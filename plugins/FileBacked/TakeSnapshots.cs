using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Freezes volumes, each as they all are at one moment. Where blocks are shared, writers of this process wait for that
/// moment; where they are copied, nobody may have the volumes open to write.
/// </summary>
internal sealed class TakeSnapshots(FilePool pool, IReadOnlyList<SnapshotDirectory> snapshots) : StorageStep
{
    public override string Title { get; } = $"take {string.Join(", ", snapshots.Select(s => s.Subject))}";

    public override StepEffect Expected { get; } = snapshots.FirstOrDefault(s => s.FindOurs() is not null) is SnapshotDirectory taken
        ? throw new StorageException(StorageErrorKind.Conflict, taken.Subject, "is there: choose another name")
        : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (snapshots.All(s => s.FindOurs()?.Mark == context.Mark))
        {
            return StepOutcome.Changed;
        }

        WriteOut();
        FileLock? held = await pool.LockAsync(Title, cancellationToken);
        try
        {
            // Some of them, after a crash: the others would be of a later moment.
            RemoveMade(context);
            if (snapshots.FirstOrDefault(s => s.FindOurs() is not null) is SnapshotDirectory taken)
            {
                throw new StorageException(StorageErrorKind.Conflict, taken.Subject, "is there: choose another name");
            }

            // Where blocks are shared the lock is held, so that nobody takes what room is kept for too much before there is a copy.
            if (pool.Capabilities.SnapshotsCopy)
            {
                held.Dispose();
                held = null;
            }

            DateTimeOffset now = context.Time.GetUtcNow();
            Freeze(context, cancellationToken);
            held ??= await pool.LockAsync(Title, cancellationToken);
            foreach (SnapshotDirectory snapshot in snapshots)
            {
                snapshot.Publish(new(Documents.Format, context.IdOf(snapshot.Name), context.Mark, now));
            }
        }
        finally
        {
            held?.Dispose();
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        RemoveMade(context);
    }

    private void RemoveMade(OperationContext context)
    {
        foreach (SnapshotDirectory snapshot in snapshots.Where(s => s.Volume.Find() is not null))
        {
            bool removed = snapshot.RemoveUnfinished(context.Request.Id);
            if (snapshot.Find()?.Mark == context.Mark)
            {
                snapshot.Remove(context.Request.Id);
                removed = true;
            }

            if (removed)
            {
                pool.SettleRoom(snapshot.Volume.RoomKeeper());
            }
        }

        pool.Space.Forget();
    }

    // Sharing blocks begins with that. Done beforehand, little is left for when writers and the pool's other changes wait.
    private void WriteOut()
    {
        foreach (SnapshotDirectory snapshot in pool.Capabilities.SnapshotsCopy ? [] : snapshots)
        {
            snapshot.Volume.Require();
            using BlockFile image = BlockFile.Open(snapshot.Volume.Image, writable: false, snapshot.Volume.Subject);
            image.Flush();
        }
    }

    private void Freeze(OperationContext context, CancellationToken cancellationToken)
    {
        List<BlockFile> sources = [];
        List<BlockFile> copies = [];
        List<ImageClaim> claims = [];
        List<PausedImage> paused = [];
        try
        {
            foreach (SnapshotDirectory snapshot in snapshots)
            {
                Guid id = snapshot.Volume.Require().Id;
                snapshot.Volume.RequireSynced(pool.Images.Find(id));
                copies.Add(snapshot.Begin(context.Request.Id));
                sources.Add(BlockFile.Open(snapshot.Volume.Image, writable: true, snapshot.Volume.Subject));
                if (pool.Capabilities.SnapshotsCopy)
                {
                    claims.Add(pool.Images.ClaimWrites(snapshot.Volume, id));
                }
                else if (pool.Images.Pause(id) is PausedImage image)
                {
                    paused.Add(image);
                }
            }

            RefuseForeignWriters(claims, paused);
            for (int at = 0; at < copies.Count; at++)
            {
                if (!pool.Capabilities.SnapshotsCopy && snapshots[at].Volume.Layout().KeepsRoom)
                {
                    VolumeRoom.KeepBeforeCopy(snapshots[at].Volume, sources[at]);
                }

                ImageCopy.Make(pool, sources[at], copies[at], Title, context, cancellationToken);
            }

            paused.ForEach(image => image.Dispose());   // they need not wait until the copies are on the disk
            paused.Clear();
            copies.ForEach(copy => copy.Flush());

            // What a sync lost meanwhile is lost in the copy too.
            foreach (SnapshotDirectory snapshot in snapshots)
            {
                snapshot.Volume.RequireSynced(pool.Images.Find(snapshot.Volume.Require().Id));
            }
        }
        finally
        {
            foreach (IDisposable held in (IDisposable[])[.. paused, .. claims, .. sources, .. copies])
            {
                held.Dispose();
            }
        }
    }

    // One volume is cloned in one act of the kernel, whoever writes. Of several, a writer that we can't pause would write between two.
    private void RefuseForeignWriters(List<ImageClaim> claims, List<PausedImage> paused)
    {
        for (int at = 0; at < snapshots.Count && snapshots.Count > 1 && !pool.Capabilities.SnapshotsCopy; at++)
        {
            VolumeDirectory volume = snapshots[at].Volume;
            if (!paused.Exists(image => image.Subject == volume.Subject))
            {
                claims.Add(pool.Images.ClaimWrites(volume, volume.Require().Id));
            }
        }
    }
}
