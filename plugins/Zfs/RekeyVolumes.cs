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
        if (await NowAsync(cancellationToken) == after)
        {
            return StepOutcome.Changed;   // only this operation knows of that key
        }

        await ChangeAsync(after, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        string?[]? said = await pool.Zpool.FindAsync(pool.Zpool.Root, cancellationToken, Property.PoolKey, Property.PoolNextKey);
        if (said is [string now, _] && now == $"{after}" || said is [_, string next] && next == $"{after}")
        {
            await ChangeAsync(before, cancellationToken);
        }
    }

    private async Task<KeyName?> NowAsync(CancellationToken cancellationToken)
        => await pool.Zpool.FindAsync(pool.Zpool.Root, cancellationToken, Property.PoolKey) is [string now] ? new KeyName(now) : null;

    private async Task ChangeAsync(KeyName to, CancellationToken cancellationToken)
    {
        IKeyProvider keys = pool.Services.Keys ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{pool.Name}", "needs a source of keys: set Keys in the profile");
        using KeyMaterial key = await keys.GetAsync(to, cancellationToken);
        if (key.Bytes.Length != FinishPool.KeyLength)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{to}", $"has {key.Bytes.Length} bytes, and a key of ZFS has {FinishPool.KeyLength}");
        }

        await pool.Zpool.SetAsync(pool.Zpool.Root, [Property.Set(Property.PoolNextKey, to)], cancellationToken);
        await pool.Zpool.Tools.ZfsAsync($"{pool.Name}", ["change-key", "-o", "keyformat=raw", "-o", "keylocation=prompt", pool.Zpool.Volumes], key, cancellationToken);
        await pool.Zpool.SetAsync(pool.Zpool.Root, [Property.Set(Property.PoolKey, to), Property.Set(Property.PoolNextKey, "")], cancellationToken);
        pool.Key = to;
    }
}
