using EveStorage;

namespace Samples.Btrfs;

/// <summary>Removes a pool of ours that holds nothing.</summary>
internal sealed class DeletePool(PoolPlace pool) : StorageStep
{
    public override string Title => $"remove pool {pool.Name} from {pool.Path}";

    public override StepEffect Expected { get; } = FindEmpty(pool) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the pool {pool.Name}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        string temporary = PoolPlace.Temporary(pool.Path, context.Request.Id);
        bool unfinished = Directory.Exists(temporary);
        Subvolume.RemoveIfThere(temporary);
        if (FindEmpty(pool) is null)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        Remove(pool, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => pool.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", "was removed and can't be brought back: create it again");

    /// <summary>Removes a pool that is empty: first its name is gone, and then it.</summary>
    internal static void Remove(PoolPlace pool, Guid operation)
    {
        RequireEmpty(pool);
        string temporary = PoolPlace.Temporary(pool.Path, operation);
        Documents.Publish(pool.Path, temporary);
        Subvolume.RemoveIfThere(temporary);
    }

    private static PoolMark? FindEmpty(PoolPlace pool)
    {
        PoolMark? mark = pool.Find();
        if (mark is not null)
        {
            RequireEmpty(pool);
        }

        return mark;
    }

    private static void RequireEmpty(PoolPlace pool)
    {
        string[] entries = Failure.Guard(pool.Path, () => Directory.Exists(pool.Volumes) ? Directory.GetFileSystemEntries(pool.Volumes) : []);
        if (entries is [string first, ..])
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"holds '{Path.GetFileName(first)}': delete its volumes first");
        }

        string[] others = Failure.Guard(pool.Path, () => Directory.GetFileSystemEntries(pool.Path));
        if (Array.Find(others, entry => entry != pool.MarkPath && entry != pool.Volumes) is string foreign)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}", $"holds '{Path.GetFileName(foreign)}', which is not ours");
        }
    }
}
