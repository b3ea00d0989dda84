namespace EveStorage;

/// <summary>A kind of pool, with the options of one declared pool. Constructing one touches nothing; <see cref="ProbeAsync"/> only looks. Safe for many calls at once.</summary>
public interface IStorageBackend
{
    /// <summary>Says whether this machine can run it, and what it then does by itself.</summary>
    ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Plans making a pool, which destroys what is on its devices. A pool of ours that is there as asked is already so.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: a device has a foreign signature, or the place is taken by something not ours.
    /// <see cref="StorageErrorKind.NotSupported"/>: it has no such redundancy, or none that it knows. <see cref="StorageErrorKind.NotFound"/>: a device is not
    /// there. <see cref="StorageErrorKind.Busy"/>: somebody uses one. <see cref="StorageErrorKind.InvalidConfiguration"/>: there are too few, or they are no devices that it takes.</exception>
    ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken);

    /// <summary>Plans removing a pool of ours, which has to be empty. What is not there is already removed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is not ours. <see cref="StorageErrorKind.Busy"/>: it holds volumes.</exception>
    ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken);

    /// <summary>
    /// Plans letting go of the pool's devices, so that what lies under it can be closed. What is closed is already so; opening the
    /// pool takes them again. The host has disposed the open pool before.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: a volume of it is in use.</exception>
    ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken);

    /// <summary>Opens a pool that is there, and makes its volumes reachable; never formats. Disposing it leaves the data where it is.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none. <see cref="StorageErrorKind.Conflict"/>: what is there is not ours.
    /// <see cref="StorageErrorKind.Unavailable"/>: it can't be opened now and may be later, as while drives or a key are missing: the host tries again.
    /// <see cref="StorageErrorKind.Corrupt"/>: what is there can't be read.</exception>
    ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken);
}
