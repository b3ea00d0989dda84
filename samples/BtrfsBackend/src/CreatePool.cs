using EveStorage;

namespace Samples.Btrfs;

/// <summary>
/// Makes the pool's subvolume under a temporary name, which carries the operation, puts the mark into it, and publishes it by one
/// rename: a pool is there with its mark, or not at all.
/// </summary>
internal sealed class CreatePool(PoolPlace pool, bool quotas) : StorageStep
{
    public override string Title => $"make pool {pool.Name} in {pool.Path}";

    // Planning looks, so that a conflict refuses the plan.
    public override StepEffect Expected { get; } = pool.Find() is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (pool.Find() is PoolMark there)
        {
            return new(there.Mark.OutcomeFor(context));
        }

        string temporary = PoolPlace.Temporary(pool.Path, context.Request.Id);
        Subvolume.RemoveIfThere(temporary);
        Failure.Guard(pool.Path, () => Directory.CreateDirectory(Path.GetDirectoryName(pool.Path)!));
        Subvolume.Create(temporary);
        Failure.Guard(temporary, () => File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        if (quotas)
        {
            Subvolume.CountSpace(temporary);
        }

        PoolMark mark = new(Documents.Format, context.IdOf(pool.Name), $"{pool.Name}", context.Mark);
        Documents.Write(Path.Combine(temporary, "pool.json"), mark, BtrfsJson.Default.PoolMark);
        Documents.Publish(temporary, pool.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Subvolume.RemoveIfThere(PoolPlace.Temporary(pool.Path, context.Request.Id));
        if (pool.Find()?.Mark == context.Mark)
        {
            DeletePool.Remove(pool, context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }
}
