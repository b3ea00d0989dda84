namespace EveStorage.Zfs;

/// <summary>What a pool needs now and then.</summary>
internal sealed partial class ZfsPool : IPausableScrubPool, ITrimmablePool, IRekeyablePool
{
    public KeyName? Key { get; internal set; }

    public ValueTask<Plan> PlanScrubAsync(CancellationToken cancellationToken) => new(Plan.Of(new StartScrub(this)));

    public ValueTask<Plan> PlanPauseScrubAsync(CancellationToken cancellationToken) => new(Plan.Of(new PauseScrub(this)));

    public async ValueTask<Plan> PlanTrimAsync(CancellationToken cancellationToken) => Plan.Of(await TrimPool.PlanAsync(this, pause: false, cancellationToken));

    public async ValueTask<Plan> PlanPauseTrimAsync(CancellationToken cancellationToken) => Plan.Of(await TrimPool.PlanAsync(this, pause: true, cancellationToken));

    public async ValueTask<Plan> PlanRekeyAsync(KeyName newKey, CancellationToken cancellationToken)
        => await Zpool.FindAsync(Zpool.Root, cancellationToken, Property.PoolKey) is [string now]
            ? Plan.Of(new RekeyVolumes(this, new(now), newKey))
            : throw new StorageException(StorageErrorKind.NotSupported, $"{Name}", "is not encrypted by ZFS: that is decided when it is made");
}
