using EveStorage.Host.Images;

namespace EveStorage.Host.Operations.Steps;

/// <summary>What a pool makes of an image by itself, held to what the image was said to be.</summary>
internal sealed class ReceiveImage(StorageStep receive, ReceivedImage image, string? sha256, Action<ByteSize> mark, Action<string, string> result) : DataStep
{
    // A mark is a write to disk, and after a crash only says that there is something to go on with: where, the pool knows.
    private const long MarkStep = 64 << 20;

    /// <inheritdoc/>
    public override string Title => receive.Title;

    /// <inheritdoc/>
    public override StepEffect Expected => receive.Expected;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        StepOutcome outcome = await receive.ApplyAsync(context with { Progress = new Marked(context.Progress, mark) }, cancellationToken);
        if (sha256 is not null)
        {
            string title = $"check the SHA-256 of {image.Name}";
            string digest = await image.DigestAsync(done => context.Progress.Report(new(title, done, image.Length is long length ? new(length) : null)), cancellationToken);
            result("imageSha256", digest);
            if (!string.Equals(sha256, digest, StringComparison.OrdinalIgnoreCase))
            {
                throw new StorageException(StorageErrorKind.Corrupt, image.Name, $"has the SHA-256 {digest}, and should have {sha256.ToLowerInvariant()}: get it again");
            }
        }

        return outcome;
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => receive.RevertAsync(context, cancellationToken);

    private sealed class Marked(IProgress<StepProgress> inner, Action<ByteSize> mark) : IProgress<StepProgress>
    {
        private long _marked;

        public void Report(StepProgress value)
        {
            if (value.Done.Bytes - _marked >= MarkStep)
            {
                _marked = value.Done.Bytes;
                mark(value.Done);
            }

            inner.Report(value);
        }
    }
}
