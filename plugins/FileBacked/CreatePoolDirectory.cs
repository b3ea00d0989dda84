using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Makes a pool in a directory that is empty, or not there: then under a temporary name beside it, and one rename
/// publishes it. The mark alone makes a pool; its other entries are made when they are needed.
/// </summary>
internal sealed class CreatePoolDirectory(PoolDirectory pool) : StorageStep
{
    public override string Title => $"make pool {pool.Name} in {pool.Path}";

    // Planning looks, so that a conflict refuses the plan.
    public override StepEffect Expected { get; } = pool.Find() is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (pool.Find() is PoolMark existing)
        {
            return new(existing.Mark.OutcomeFor(context));
        }

        if (Directory.Exists(pool.Path))
        {
            Fill(pool, context, madeDirectory: false);
            return new(StepOutcome.Changed);
        }

        string parent = Path.GetDirectoryName(pool.Path)!;
        DurableFile.MakeDirectory(parent);
        string temporary = PoolDirectory.Unfinished(pool.Path, context.Request.Id);
        PoolDirectory.Remove(temporary);
        PoolDirectory.Make(temporary);
        Fill(new(temporary, pool.Name), context, madeDirectory: true);
        DurableFile.Publish(temporary, pool.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        PoolDirectory.Remove(PoolDirectory.Unfinished(pool.Path, context.Request.Id));
        PoolDirectory.Remove(PoolDirectory.Unfinished(pool.MarkPath, context.Request.Id));
        if (pool.Find() is PoolMark mark && mark.Mark == context.Mark)
        {
            RemovePool(pool, mark, context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Removes an empty pool and, when it was made with it, the directory.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is not empty.</exception>
    internal static void RemovePool(PoolDirectory pool, PoolMark mark, Guid operation)
    {
        if (pool.VolumeEntries().FirstOrDefault() is string first)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"holds '{first}': delete its volumes first");
        }

        if (pool.Entries().FirstOrDefault(entry => entry is not ("pool.json" or "lock" or "volumes" or "lost+found")) is string foreign)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}", $"{pool.Path} holds '{foreign}', which is not ours");
        }

        if (mark.MadeDirectory)
        {
            string temporary = PoolDirectory.Unfinished(pool.Path, operation);
            DurableFile.Publish(pool.Path, temporary);
            PoolDirectory.Remove(temporary);
            return;
        }

        // The mark goes last: until then it is a pool, and an empty one.
        PoolDirectory.Remove(pool.Volumes);
        PoolDirectory.Remove(pool.LockPath);
        PoolDirectory.Remove(pool.MarkPath);
        DirectoryHandle.Flush(pool.Path);
    }

    private static void Fill(PoolDirectory pool, OperationContext context, bool madeDirectory)
    {
        string unfinished = PoolDirectory.Unfinished(pool.MarkPath, context.Request.Id);
        PoolDirectory.Remove(unfinished);
        PoolDirectory.Make(unfinished);
        string markFile = PoolDirectory.In(unfinished, "pool.json");
        FileSystemKind kind = FileSystem.Of(pool.Path).Kind;
        PoolMark mark = new(Documents.Format, context.IdOf(pool.Name), $"{pool.Name}", context.Mark, madeDirectory, kind, TryShare(unfinished));
        Documents.Write(markFile, mark, FileJson.Default.PoolMark);
        DurableFile.Publish(markFile, pool.MarkPath);
        PoolDirectory.Remove(unfinished);
    }

    private static bool TryShare(string directory)
    {
        string first = PoolDirectory.In(directory, "a");
        string second = PoolDirectory.In(directory, "b");
        using (BlockFile source = BlockFile.Create(first))
        using (BlockFile copy = BlockFile.Create(second))
        {
            source.Write(0, new byte[4096]);
            bool shared = copy.TryCloneFrom(source);
            PoolDirectory.Remove(first);
            PoolDirectory.Remove(second);
            return shared;
        }
    }
}
