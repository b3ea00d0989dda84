using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Makes the place for volumes, encrypted where that is asked for, and then writes in one act what the pool is: from then on it is one.</summary>
internal sealed class FinishPool(PoolInMaking making, StepEffect expected) : StorageStep
{
    /// <summary>The bytes of a raw key, whatever the cipher: OpenZFS, WRAPPING_KEY_LEN.</summary>
    internal const int KeyLength = 32;

    private readonly Zpool _zpool = making.Zpool;

    public override string Title { get; } = making.Options.IsEncrypted
        ? $"make {making.Zpool.Volumes}, encrypted by {making.Options.Encryption} with the key {making.Options.KeyOf(making.Request.Name)}"
        : $"make {making.Zpool.Volumes}";

    public override StepEffect Expected => expected;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        PoolName name = making.Request.Name;
        PoolFacts facts = await making.FindAsync(cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"the ZFS pool {_zpool.Root} is not there");
        if (facts.Id is not null)
        {
            return facts.Operation == context.Request.Id ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        if (await _zpool.FindAsync(_zpool.Volumes, cancellationToken, "name") is null)
        {
            await CreateVolumesAsync(name, cancellationToken);
        }

        KeyName? key = making.Options.IsEncrypted ? making.Options.KeyOf(name) : null;
        await _zpool.SetAsync(
            _zpool.Root,
            [
                Property.Set(Property.PoolId, context.IdOf(name)), Property.Set(Property.PoolName, name), Property.Set(Property.PoolOperation, context.Request.Id),
                Property.Set(Property.PoolRedundancy, making.Request.Redundancy), Property.Set(Property.PoolKey, key?.ToString() ?? ""),
                Property.Set(Property.PoolDrives, await PoolDrives.DescribeAsync(_zpool, null, cancellationToken)),
            ],
            cancellationToken);
        return StepOutcome.Changed;
    }

    private async Task CreateVolumesAsync(PoolName name, CancellationToken cancellationToken)
    {
        ZfsOptions options = making.Options;
        string[] words = ["create", "-o", "mountpoint=none", "-o", "canmount=off"];
        if (!options.IsEncrypted)
        {
            await _zpool.Tools.ZfsAsync($"{name}", [.. words, _zpool.Volumes], cancellationToken);
            return;
        }

        IKeyProvider keys = making.Services.Keys ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{name}", "Encryption needs a source of keys: set Keys in the profile");
        using KeyMaterial key = await keys.GetAsync(options.KeyOf(name), cancellationToken);
        if (key.Bytes.Length != KeyLength)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{options.KeyOf(name)}", $"has {key.Bytes.Length} bytes, and a key of ZFS has {KeyLength}");
        }

        await _zpool.Tools.ZfsAsync(
            $"{name}", [.. words, "-o", $"encryption={options.Encryption}", "-o", "keyformat=raw", "-o", "keylocation=prompt", _zpool.Volumes], key, cancellationToken);
    }

    // It goes with the pool, which its own step takes away.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync($"undo: {Title}", cancellationToken);
        if (await making.FindAsync(cancellationToken) is PoolFacts facts && facts.Operation == context.Request.Id)
        {
            await _zpool.Tools.ZfsAsync($"{making.Request.Name}", ["inherit", Property.PoolId, _zpool.Root], cancellationToken);
        }
    }
}
