using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Grows a volume, which may be open. What is new reads as zeros.</summary>
internal sealed class GrowVolume(FilePool pool, VolumeDirectory volume, ByteSize size) : StorageStep
{
    public override string Title => $"grow {volume.Subject} to {size}";

    public override StepEffect Expected { get; }
        = volume.FindOurs() is not null && CurrentSize(volume, size) == size ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync(Title, cancellationToken);
        volume.Require();
        ByteSize now = CurrentSize(volume, size);
        if (now == size)
        {
            return volume.Note() is ChangeNote note && note.Operation == context.Request.Id && note.FromSize < size.Bytes
                ? StepOutcome.Changed
                : StepOutcome.AlreadySo;
        }

        if (volume.Note()?.Operation != context.Request.Id)
        {
            volume.Note(context.Request.Id);   // else it began before a crash, and the size from before is in the note alone
        }

        using BlockFile image = BlockFile.Open(volume.Image, writable: true, volume.Subject);
        if (volume.Layout().Preallocated)
        {
            using SpaceClaim claim = pool.Space.Claim(size.Bytes - now.Bytes, volume.Subject);
            image.Allocate(now.Bytes, size.Bytes - now.Bytes);
        }

        image.SetLength(size.Bytes);
        image.Flush();
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (volume.Find() is not null && volume.Note() is ChangeNote note && note.Operation == context.Request.Id
            && volume.Look() is FileFacts facts && facts.Inode == note.FromImage && facts.Length > note.FromSize)
        {
            using BlockFile image = BlockFile.Open(volume.Image, writable: true, volume.Subject);
            image.SetLength(note.FromSize);
            image.Flush();
            pool.Images.Find(volume.Require().Id)?.LookAgain();
            pool.Space.Forget();
        }
    }

    private static ByteSize CurrentSize(VolumeDirectory volume, ByteSize size)
    {
        ByteSize now = new(volume.Look().Length);
        return now <= size ? now : throw new StorageException(StorageErrorKind.NotSupported, volume.Subject, $"has {now} and can't shrink to {size}");
    }
}
