using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Makes a volume what a snapshot froze: a new image is made of the snapshot, and one rename puts it in the old one's
/// place. The snapshot stays.
/// </summary>
internal sealed class RollBackVolume(FilePool pool, SnapshotDirectory snapshot) : StorageStep
{
    private readonly VolumeDirectory _volume = snapshot.Volume;

    public override string Title => $"roll {_volume.Subject} back to {snapshot.Name}";

    public override StepEffect Expected { get; } = StepEffect.Destroys($"what was written to {snapshot.Volume.Subject} since {snapshot.Name}{Shrinks(snapshot)}");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord record = _volume.Require();
        snapshot.Require();
        if (IsDone(context))
        {
            return StepOutcome.Changed;
        }

        using ImageClaim claim = pool.Images.Claim(_volume, record.Id);
        string temporary = PoolDirectory.Unfinished(_volume.Image, context.Request.Id);
        PoolDirectory.Remove(temporary);
        RequireRoom();

        // Where blocks are shared nothing is copied, and what room is kept must not be taken for too much before the image is in its place.
        FileLock? held = pool.Capabilities.SnapshotsCopy ? null : await pool.LockAsync(Title, cancellationToken);
        try
        {
            Make(temporary, context, cancellationToken);
            held ??= await pool.LockAsync(Title, cancellationToken);
            _volume.Note(context.Request.Id);
            FileCalls.Run(_volume.Subject, () => File.Move(temporary, _volume.Image, overwrite: true));
            DirectoryHandle.Flush(_volume.Path);
            pool.SettleRoom(_volume.RoomKeeper());
        }
        finally
        {
            held?.Dispose();
        }

        pool.Space.Forget();
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (_volume.Find() is not null)
        {
            string temporary = PoolDirectory.Unfinished(_volume.Image, context.Request.Id);
            VolumeDirectory.GiveBack(temporary);
            PoolDirectory.Remove(temporary);
            pool.SettleRoom(_volume.RoomKeeper());
        }

        if (IsDone(context))
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, _volume.Subject, $"was rolled back to {snapshot.Name}, and what it was is gone");
        }
    }

    // It may have grown since: its guest has to know beforehand that the end of its disk goes.
    private static string Shrinks(SnapshotDirectory snapshot)
    {
        if (snapshot.Find() is null || snapshot.Volume.Find() is null)
        {
            return "";
        }

        ByteSize now = new(snapshot.Volume.Look().Length);
        ByteSize then = new(BlockFile.Look(snapshot.Image).Length);
        return then < now ? $", and makes it {then} again, which is less than its {now}" : "";
    }

    private bool IsDone(OperationContext context)
        => _volume.Note() is ChangeNote note && note.Operation == context.Request.Id && _volume.Look().Inode != note.FromImage;

    // The new image is whole before the old one goes, or a crash in between would leave neither. What shared blocks ask for beside, their room says.
    private void RequireRoom()
    {
        FileFacts then = BlockFile.Look(snapshot.Image);
        bool copies = pool.Capabilities.SnapshotsCopy;
        long needed = _volume.Layout().Preallocated ? then.Length - (copies ? 0 : Math.Min(then.Allocated, then.Length)) : copies ? then.Allocated : 0;
        ByteSize free = FileSystem.Of(_volume.Path).Free;
        if (needed > free.Bytes)
        {
            throw new StorageException(
                StorageErrorKind.OutOfSpace,
                _volume.Subject,
                $"needs {new ByteSize(needed)} free to be rolled back, since what it was is made anew beside what it is, and {free} are: delete something; nothing was changed");
        }
    }

    private void Make(string temporary, OperationContext context, CancellationToken cancellationToken)
    {
        VolumeLayout layout = _volume.Layout();
        using BlockFile source = BlockFile.Open(snapshot.Image, writable: false, snapshot.Subject);
        using BlockFile image = BlockFile.Create(temporary, _volume.Subject);
        if (layout.Compressed)
        {
            FileSystem.Compress(image);
        }

        ImageCopy.Make(pool, source, image, Title, context, cancellationToken);
        if (layout.Preallocated)
        {
            FileFacts made = image.Look();
            using SpaceClaim claim = pool.Space.Claim(Math.Max(made.Length - made.Allocated, 0), _volume.Subject);
            image.Allocate(0, made.Length);
            if (!pool.Capabilities.SnapshotsCopy && layout.KeepsRoom)
            {
                VolumeRoom.Keep(_volume, image.CountShared());
            }
        }

        image.Flush();
    }
}
