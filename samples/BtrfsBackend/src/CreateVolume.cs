using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Samples.Btrfs;

/// <summary>Creates a volume. One of ours that is there with the same size is left alone.</summary>
internal sealed class CreateVolume(VolumePlace volume, VolumeSpec spec, BtrfsOptions options) : StorageStep
{
    public override string Title => $"create {volume.Subject} of {spec.Size}";

    public override StepEffect Expected { get; } = FindSame(volume, spec.Size) is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (FindSame(volume, spec.Size) is VolumeRecord there)
        {
            return new(there.Mark.OutcomeFor(context));   // Changed when this operation made it, before a crash: or nobody would undo it
        }

        VolumeRecord record = new() { Id = context.IdOf(volume.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers };
        string temporary = volume.Build(record, Settings, Make);
        Documents.Publish(temporary, volume.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        RemoveMade(volume, context);
        return ValueTask.CompletedTask;
    }

    /// <summary>Removes the volume if this operation made it, and what it left unfinished of it.</summary>
    internal static void RemoveMade(VolumePlace volume, OperationContext context)
    {
        volume.RemoveUnfinished(context.Request.Id);
        if (volume.Find()?.Mark == context.Mark)
        {
            volume.Remove(context.Request.Id);
        }
    }

    private VolumeSettings Settings
        => new(Documents.Format, spec.Traits.HasFlag(VolumeTraits.Thin) || spec.Traits.HasFlag(VolumeTraits.Compressed), spec.Traits.HasFlag(VolumeTraits.Compressed), spec.Quota?.Bytes);

    // What is set on the subvolume holds for the image that is made in it next.
    private void Make(string data)
    {
        Subvolume.Create(data);
        if (!options.CopyOnWrite)
        {
            Subvolume.WriteInPlace(data);
        }
        else if (Settings.Compressed)
        {
            Subvolume.Compress(data, options.Compression);
        }

        if (spec.Quota is ByteSize quota)
        {
            Subvolume.Limit(data, quota);
        }

        Failure.Guard(volume.Subject, () =>
        {
            using SafeFileHandle image = File.OpenHandle(Path.Combine(data, "image"), FileMode.CreateNew, FileAccess.ReadWrite);
            RandomAccess.SetLength(image, spec.Size.Bytes);
            if (!Settings.Thin)
            {
                Native.Check(Native.FAllocate(image, 0, 0, spec.Size.Bytes), volume.Subject, "fallocate");
            }

            RandomAccess.FlushToDisk(image);
        });
    }

    private static VolumeRecord? FindSame(VolumePlace volume, ByteSize size)
        => volume.FindOurs() is not VolumeRecord record ? null
            : volume.Size() == size ? record
            : throw new StorageException(StorageErrorKind.Conflict, volume.Subject, $"exists with {volume.Size()}, not {size}");
}
