using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Steps;

/// <summary>A step that moves data for as long as that takes: a pool's lock is not held meanwhile.</summary>
internal abstract class DataStep : StorageStep;

/// <summary>Fills a volume that this operation made, and that nobody else can see yet, from an image.</summary>
internal sealed class FillVolume(
    IStoragePool pool, VolumeName volume, ByteSize size, SafeFileHandle image, string imageName, string format, bool verify, ImageConversion images,
    Action<string, string> result) : DataStep
{
    /// <inheritdoc/>
    public override string Title => $"fill it from {imageName} ({format})";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord? record = await pool.Records.FindAsync(volume, cancellationToken);
        if (record?.Mark != context.Mark)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{volume}", "was not made by this operation");
        }

        PoolStatus status = await pool.GetStatusAsync(cancellationToken);
        using SafeFileHandle target = ExistingFile.OpenToWrite(pool.PathOf(volume));
        ByteSize before = ExistingFile.LengthOf(target, $"{pool.Name}/{volume}");
        ImportResult imported = await images.ImportAsync(
            image, imageName, format, target, new() { VolumeSize = size, WriteBudget = status.Free, Verify = verify },
            told => context.Progress.Report(new(Title, told.Done, told.Total)), cancellationToken);
        // The worker that wrote it read hostile bytes: what it says is not what counts.
        if (ExistingFile.LengthOf(target, $"{pool.Name}/{volume}") is ByteSize after && after != before)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"{pool.Name}/{volume}", $"had {before} and its import left {after}");
        }

        result("written", imported.Written.ToString());
        if (imported.Digest is string digest)
        {
            result("sha256", digest);
        }

        return StepOutcome.Changed;
    }

    /// <summary>Nothing: the volume goes with the step that made it.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
