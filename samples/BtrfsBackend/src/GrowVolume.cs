using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Samples.Btrfs;

/// <summary>Grows a volume, which may be open. What is new reads as zeros.</summary>
internal sealed class GrowVolume(VolumePlace volume, ByteSize size) : StorageStep
{
    public override string Title => $"grow {volume.Subject} to {size}";

    public override StepEffect Expected { get; } = Now(volume, size) == size ? StepEffect.AlreadySo : StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (Now(volume, size) == size)
        {
            return new(IsOf(context) is ChangeNote note && note.FromSize < size.Bytes ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        if (IsOf(context) is null)
        {
            volume.Note(context.Request.Id);   // else it began before a crash, and the size from before is in the note alone
        }

        SetLength(size.Bytes);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (volume.Find() is not null && IsOf(context) is ChangeNote note && note.FromData == Subvolume.IdOf(volume.Data) && volume.Size().Bytes > note.FromSize)
        {
            SetLength(note.FromSize);
        }

        return ValueTask.CompletedTask;
    }

    private ChangeNote? IsOf(OperationContext context) => volume.Note() is ChangeNote note && note.Operation == context.Request.Id ? note : null;

    private void SetLength(long length) => Failure.Guard(volume.Subject, () =>
    {
        using SafeFileHandle image = File.OpenHandle(volume.Image, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        long before = RandomAccess.GetLength(image);
        RandomAccess.SetLength(image, length);
        if (length > before && !volume.Settings().Thin)
        {
            Native.Check(Native.FAllocate(image, 0, before, length - before), volume.Subject, "fallocate");
        }

        RandomAccess.FlushToDisk(image);
    });

    private static ByteSize Now(VolumePlace volume, ByteSize size)
    {
        volume.Require();
        ByteSize now = volume.Size();
        return now <= size ? now : throw new StorageException(StorageErrorKind.NotSupported, volume.Subject, $"has {now} and can't shrink to {size}");
    }
}
