using System.Globalization;
using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Steps;

/// <summary>A step that moves data for as long as that takes: a pool's lock is not held meanwhile.</summary>
internal abstract class DataStep : StorageStep;

/// <summary>What to fill a volume with.</summary>
internal sealed record FillOrder
{
    /// <summary>The path at the top of its layers.</summary>
    public required string Path { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Whether it reads as zeros now, so that zeros need not be written.</summary>
    public required bool ReadsZero { get; init; }

    /// <summary>Whether what is written takes space of the pool; else it was taken when the volume was made.</summary>
    public required bool TakesSpace { get; init; }

    /// <summary>The image.</summary>
    public required SafeFileHandle Image { get; init; }

    /// <summary>What it is called.</summary>
    public required string ImageName { get; init; }

    /// <summary>Its format.</summary>
    public required string Format { get; init; }

    /// <summary>Whether to read the volume back and compare.</summary>
    public required bool Verify { get; init; }
}

/// <summary>Fills a volume that this operation made, and that nobody else can see yet, from an image.</summary>
internal sealed class FillVolume(IStoragePool pool, VolumeName volume, FillOrder order, ImageConversion images, Action<string, string> result) : DataStep
{
    /// <inheritdoc/>
    public override string Title => $"fill it from {order.ImageName} ({order.Format})";

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

        ByteSize budget = order.TakesSpace ? (await pool.GetStatusAsync(cancellationToken)).Free : order.Size;
        using SafeFileHandle target = ExistingFile.OpenToWrite(Resolved(order.Path));
        ByteSize before = ExistingFile.LengthOf(target, $"{pool.Name}/{volume}");
        ImportResult imported = await images.ImportAsync(
            order.Image, order.ImageName, order.Format, target,
            new() { VolumeSize = order.Size, WriteBudget = budget, ReadsZero = order.ReadsZero, Verify = order.Verify },
            Progress(context), cancellationToken);

        // The worker that wrote it read hostile bytes: what it says is not what counts.
        if (ExistingFile.LengthOf(target, $"{pool.Name}/{volume}") is ByteSize after && after != before)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"{pool.Name}/{volume}", $"had {before} and its import left {after}");
        }

        result("written", imported.Written.Bytes.ToString(CultureInfo.InvariantCulture));
        if (imported.Digest is string digest)
        {
            result("sha256", digest);
        }

        return StepOutcome.Changed;
    }

    // What udev makes of a mapping's name is a link to its node; anywhere else a link is nobody's of ours.
    private static string Resolved(string path)
        => path.StartsWith("/dev/", StringComparison.Ordinal) && File.ResolveLinkTarget(path, returnFinalTarget: true) is FileSystemInfo node ? node.FullName : path;

    // Each phase is told from its start: for a person it is another thing, and no progress that goes back.
    private Action<WorkerProgress> Progress(OperationContext context)
        => told => context.Progress.Report(new(
            told.Phase switch { WorkerPhase.Open => $"read what {order.ImageName} holds", WorkerPhase.Compare => $"compare it with {order.ImageName}", _ => Title },
            told.Done, told.Total));

    /// <summary>Nothing: the volume goes with the step that made it.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
