using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>One image made of another: sharing its blocks where the file system can, else copying its data and leaving its holes.</summary>
internal static class ImageCopy
{
    /// <summary>Makes the empty <paramref name="target"/> what <paramref name="source"/> is. It is not flushed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: the pool's limit has no room for it, with shared blocks counted too.</exception>
    internal static void Make(FilePool pool, BlockFile source, BlockFile target, string title, OperationContext context, CancellationToken cancellationToken)
    {
        FileFacts facts = source.Look();
        using SpaceClaim claim = pool.Space.Claim(facts.Allocated, title);
        if (FileSystem.IsWrittenInPlace(source))
        {
            FileSystem.WriteInPlace(target);
        }

        if (!pool.Capabilities.SnapshotsCopy && target.TryCloneFrom(source))
        {
            return;
        }

        target.CopySparse(
            source,
            done =>
            {
                claim.Keep(facts.Allocated - target.Look().Allocated);
                context.Progress.Report(new(title, new(done), new(facts.Length)));
            },
            cancellationToken);
    }
}
