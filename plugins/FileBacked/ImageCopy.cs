using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>One image made of another: sharing its blocks where the file system can, else copying its data and leaving its holes.</summary>
internal static class ImageCopy
{
    /// <summary>Makes the empty <paramref name="target"/> what <paramref name="source"/> is. It is not flushed.</summary>
    internal static void Make(FilePool pool, BlockFile source, BlockFile target, string title, OperationContext context, CancellationToken cancellationToken)
    {
        if (!pool.Capabilities.SnapshotsCopy && target.TryCloneFrom(source))
        {
            return;
        }

        FileFacts facts = source.Look();
        pool.Space.Require(facts.Allocated, title);
        target.CopySparse(source, done => context.Progress.Report(new(title, new(done), new(facts.Length))), cancellationToken);
    }
}
