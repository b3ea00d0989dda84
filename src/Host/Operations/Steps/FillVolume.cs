using System.Globalization;
using EveStorage.Cli.Api;
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
    /// <summary>What it will be called, as a person types it.</summary>
    public required string Subject { get; init; }

    /// <summary>The path at the top of its layers.</summary>
    public required string Path { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Whether it reads as zeros now, so that zeros need not be written.</summary>
    public required bool ReadsZero { get; init; }

    /// <summary>Whether what is written takes space of the pool; else it was taken when the volume was made.</summary>
    public required bool TakesSpace { get; init; }

    /// <summary>The image.</summary>
    public required ImageInput Image { get; init; }

    /// <summary>Its format, and what of it is meant.</summary>
    public required ImageQuestion Question { get; init; }

    /// <summary>Where what of a stream is needed later is kept; null when nowhere.</summary>
    public required ImageSpool? Spool { get; init; }

    /// <summary>Which image in which state it is; null where nobody could go on with it after a crash.</summary>
    public required string? Source { get; init; }

    /// <summary>What the volume has of it from an import that was cut short.</summary>
    public required CopyMark? From { get; init; }

    /// <summary>Takes what was copied so that it survives a crash.</summary>
    public required Action<CopyMark> Mark { get; init; }

    /// <summary>Whether to read the volume back and compare.</summary>
    public required bool Verify { get; init; }

    /// <summary>The SHA-256 that the image must have; null when it is not known.</summary>
    public required string? Sha256 { get; init; }
}

/// <summary>Fills a volume that this operation made, and that nobody else can see yet, from an image.</summary>
internal sealed class FillVolume(IStoragePool pool, VolumeName volume, FillOrder order, ImageConversion images, Action<string, string> result) : DataStep
{
    private StepProgress _last = new($"fill it from {order.Image.Name}", default, null);

    /// <inheritdoc/>
    public override string Title => $"fill it from {order.Image.Name} ({order.Question.Format})";

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

        order.Image.Ranges?.Waiting = waits => context.Progress.Report(_last with { Title = waits });
        RequireSame();
        string? digest = order.Sha256 is null || order.Image.IsPipe || order.Image.Ranges is not null ? null : order.From?.Sha256 ?? await FileDigestAsync(context, cancellationToken);
        RequireDigest(digest);
        ByteSize budget = order.TakesSpace ? (await pool.GetStatusAsync(cancellationToken)).Free : order.Size;
        using SafeFileHandle target = ExistingFile.OpenToWrite(Resolved(order.Path));
        using SafeFileHandle? spool = order.Spool is null ? null : ExistingFile.OpenToWrite(Resolved(order.Spool.Path));
        ByteSize before = ExistingFile.LengthOf(target, $"{pool.Name}/{volume}");
        (ImportResult imported, string? streamed) = await ImportAsync(target, spool, OrderOf(budget, target), context, copied => Mark(copied, digest), cancellationToken);
        if (order is { Sha256: not null, Image.Ranges: { } ranges })
        {
            string title = $"check the SHA-256 of {order.Image.Name}";
            streamed = await ranges.DigestAsync(done => context.Progress.Report(_last = new(title, done, ranges.Length)), cancellationToken);
        }

        RequireDigest(streamed);

        // The worker that wrote it read hostile bytes: what it says is not what counts.
        if (ExistingFile.LengthOf(target, $"{pool.Name}/{volume}") is ByteSize after && after != before)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"{pool.Name}/{volume}", $"had {before} and its import left {after}");
        }

        result("written", imported.Written.Bytes.ToString(CultureInfo.InvariantCulture));
        Tell("spooled", order.Spool is null ? null : imported.Spooled.Bytes.ToString(CultureInfo.InvariantCulture));
        Tell("resumedAt", order.From?.Copied.Bytes.ToString(CultureInfo.InvariantCulture));
        Tell("read", imported.Read.Bytes > 0 ? imported.Read.Bytes.ToString(CultureInfo.InvariantCulture) : null);
        Tell("fetched", order.Image.Ranges?.Fetched.ToString(CultureInfo.InvariantCulture));
        Tell("sha256", imported.Digest);
        Tell("imageSha256", streamed ?? digest);

        return StepOutcome.Changed;
    }

    // A worker knows no names of volumes.
    private async Task<(ImportResult Result, string? SourceDigest)> ImportAsync(
        SafeFileHandle target, SafeFileHandle? spool, ImportOrder orders, OperationContext context, Action<ByteSize> safe, CancellationToken cancellationToken)
    {
        try
        {
            return await images.ImportAsync(order.Image, order.Question, target, spool, orders, Progress(context), safe, cancellationToken);
        }
        catch (StorageException e) when (e.Subject == SparseTarget.Subject)
        {
            throw new StorageException(e.Kind, order.Subject, ErrorReport.Of(e).Message, e);
        }
    }

    private ImportOrder OrderOf(ByteSize budget, SafeFileHandle target) => new()
    {
        VolumeSize = order.Size,
        WriteBudget = budget,
        ReadsZero = order.ReadsZero,
        SpoolSize = order.Spool?.Size,
        Verify = order.Verify,
        From = order.From?.Copied ?? default,
        Marks = order.Source is not null,
        Shares = !order.Image.IsPipe && order.Image.Ranges is null && SparseFile.MayShare(order.Image.Handle, target),
    };

    // Between two looks at it, and of the files that it names, which are known only now.
    private void RequireSame()
    {
        if (order.From is CopyMark from && (from.Source != order.Source || from.Links != order.Image.LinksIdentity))
        {
            throw new StorageException(StorageErrorKind.Conflict, order.Image.Name, "has changed, or a file that it names, since its import was cut short: run it again, to start anew");
        }
    }

    private void Mark(ByteSize copied, string? digest)
    {
        if (order.Source is string source && copied <= order.Size)
        {
            order.Mark(new() { Source = source, Links = order.Image.LinksIdentity, Copied = copied, Sha256 = digest });
        }
    }

    private void Tell(string key, string? value)
    {
        if (value is not null)
        {
            result(key, value);
        }
    }

    private void RequireDigest(string? digest)
    {
        if (order.Sha256 is string wanted && digest is not null && !string.Equals(wanted, digest, StringComparison.OrdinalIgnoreCase))
        {
            throw new StorageException(StorageErrorKind.Corrupt, order.Image.Name, $"has the SHA-256 {digest}, and should have {wanted.ToLowerInvariant()}: get it again");
        }
    }

    // Before anything of it is parsed.
    private Task<string> FileDigestAsync(OperationContext context, CancellationToken cancellationToken)
        => FileDigest.OfAsync(
            order.Image.Handle, order.Image.Name, (done, length) => context.Progress.Report(new($"check the SHA-256 of {order.Image.Name}", done, length)), cancellationToken);

    // What udev makes of a mapping's name is a link to its node; anywhere else a link is nobody's of ours.
    private static string Resolved(string path)
        => path.StartsWith("/dev/", StringComparison.Ordinal) && File.ResolveLinkTarget(path, returnFinalTarget: true) is FileSystemInfo node ? node.FullName : path;

    // Each phase is told from its start: for a person it is another thing, and no progress that goes back.
    private Action<WorkerProgress> Progress(OperationContext context)
        => told => context.Progress.Report(_last = new(
            told.Phase switch { WorkerPhase.Open => $"read what {order.Image.Name} holds", WorkerPhase.Compare => $"compare it with {order.Image.Name}", _ => Title },
            told.Done, told.Total));

    /// <summary>Nothing: the volume goes with the step that made it.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
