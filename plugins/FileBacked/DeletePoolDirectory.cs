using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>Removes a pool of ours that holds no volume.</summary>
internal sealed class DeletePoolDirectory(PoolDirectory pool) : StorageStep
{
    public override string Title => $"remove pool {pool.Name} from {pool.Path}";

    public override StepEffect Expected { get; } = FindEmpty(pool) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the pool {pool.Name}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = PoolDirectory.Remove(PoolDirectory.Unfinished(pool.Path, context.Request.Id))
            | PoolDirectory.Remove(PoolDirectory.Unfinished(pool.MarkPath, context.Request.Id));
        if (FindEmpty(pool) is not PoolMark mark)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        CreatePoolDirectory.RemovePool(pool, mark, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => pool.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", "was removed and can't be brought back: create it again");

    private static PoolMark? FindEmpty(PoolDirectory pool)
    {
        PoolMark? mark = pool.Find();
        return mark is not null && pool.VolumeEntries().FirstOrDefault() is string first
            ? throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}", $"holds '{first}': delete its volumes first")
            : mark;
    }
}
