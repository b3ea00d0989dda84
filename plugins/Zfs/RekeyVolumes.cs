namespace EveStorage.Zfs;

/// <summary>
/// Gives the pool's volumes a new key: ZFS wraps the key of its own, by which data is encrypted, anew, in one transaction. Which key
/// that is is another property: so the pool is told first which one may come, and opens with either of them until it is told which one came.
/// </summary>
internal sealed class RekeyVolumes(ZfsPool pool, KeyName before, KeyName after) : StorageStep
{
    public override string Title => $"have the key {after} open {pool.Name}, and no longer {before}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Names names = await NamesAsync(context, cancellationToken);
        if (names.Now != after || names.Next is not null)
        {
            await ChangeAsync(names, after, context, cancellationToken);
        }

        return StepOutcome.Changed;   // only this operation knows of that key
    }

    // A plan that is made after a crash takes the new key for the one before: what that was is noted in the pool.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        Names names = await NamesAsync(context, cancellationToken);
        if (names.Before is KeyName was && (names.Now != was || names.Next is not null))
        {
            await ChangeAsync(names, was, context, cancellationToken);
        }
    }

    private async Task<Names> NamesAsync(OperationContext context, CancellationToken cancellationToken)
        => await pool.Zpool.FindAsync(pool.Zpool.Root, cancellationToken, Property.PoolKey, Property.PoolNextKey, Property.PoolRekeyed) is [string now, var next, var note]
            ? new(new(now), next is null ? null : new(next), Property.NotedBy(note, context.Request.Id) is string was ? new(was) : null)
            : throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}", $"the ZFS pool {pool.Zpool.Root} is gone, or has lost the name of its key");

    // Whichever key ZFS has wrapped its own by, its name is one of the two in the pool, from before the change until after it.
    private async Task ChangeAsync(Names names, KeyName to, OperationContext context, CancellationToken cancellationToken)
    {
        IKeyProvider keys = pool.Services.Keys ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{pool.Name}", "needs a source of keys: set Keys in the profile");
        using KeyMaterial key = await keys.GetAsync(to, cancellationToken);
        if (key.Bytes.Length != FinishPool.KeyLength)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{to}", $"has {key.Bytes.Length} bytes, and a key of ZFS has {FinishPool.KeyLength}");
        }

        if (names.Next is KeyName next && names.Before is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}", $"is between the keys {names.Now} and {next}: run or undo the operation that changes them first");
        }

        if (names.Now != to && names.Next != to)
        {
            await pool.Zpool.SetAsync(
                pool.Zpool.Root, [Property.Set(Property.PoolNextKey, to), Property.Set(Property.PoolRekeyed, $"{context.Request.Id}:{names.Before ?? names.Now}")], cancellationToken);
        }

        await pool.Zpool.Tools.ZfsAsync($"{pool.Name}", ["change-key", "-o", "keyformat=raw", "-o", "keylocation=prompt", pool.Zpool.Volumes], key, cancellationToken);
        await pool.Zpool.SetAsync(pool.Zpool.Root, [Property.Set(Property.PoolKey, to), Property.Set(Property.PoolNextKey, "")], cancellationToken);
        pool.Key = to;
    }

    /// <summary>The keys that the pool names: the one that opens it, the one that may do by now, and the one before this operation, once that has begun.</summary>
    private readonly record struct Names(KeyName Now, KeyName? Next, KeyName? Before);
}
