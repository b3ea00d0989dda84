using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Starts a check of all that a pool holds, or interrupts it.</summary>
internal sealed class PlanScrubPool : ChangePlanner<ScrubPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ScrubPool request, PlanningContext context, CancellationToken cancellationToken)
        => (await context.Pools.OpenAsync(request.Pool, cancellationToken), request.Pause) switch
        {
            (IScrubbablePool pool, false) => await pool.PlanScrubAsync(cancellationToken),
            (IPausableScrubPool pool, true) => await pool.PlanPauseScrubAsync(cancellationToken),
            (IScrubbablePool, true) => throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "can't interrupt a check: let it end"),
            _ => throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "has no redundancy that could be checked"),
        };
}

/// <summary>Tells a pool's drives what is not used, or interrupts that.</summary>
internal sealed class PlanTrimPool : ChangePlanner<TrimPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(TrimPool request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) is not ITrimmablePool pool
            ? throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "tells its drives by itself what is not used, or can't")
            : request.Pause ? await pool.PlanPauseTrimAsync(cancellationToken) : await pool.PlanTrimAsync(cancellationToken);
}

/// <summary>Has a pool use a drive no more for now.</summary>
internal sealed class PlanOfflineDrive : ChangePlanner<OfflineDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(OfflineDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDriveRestPool pool = await RestingDrives.OpenAsync(request, context, cancellationToken);
        return await pool.PlanOfflineDriveAsync((await DrivePools.FindAsync(pool, request.Drive, context, cancellationToken)).Name, cancellationToken);
    }
}

/// <summary>Has a pool use a drive again.</summary>
internal sealed class PlanOnlineDrive : ChangePlanner<OnlineDrive>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(OnlineDrive request, PlanningContext context, CancellationToken cancellationToken)
    {
        IDriveRestPool pool = await RestingDrives.OpenAsync(request, context, cancellationToken);
        return await pool.PlanOnlineDriveAsync((await DrivePools.FindAsync(pool, request.Drive, context, cancellationToken)).Name, cancellationToken);
    }
}

/// <summary>A pool that can do without a drive for a time.</summary>
internal static class RestingDrives
{
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it can't.</exception>
    internal static async Task<IDriveRestPool> OpenAsync(PoolChange request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Pools.OpenAsync(request.Pool, cancellationToken) as IDriveRestPool
            ?? throw new StorageException(StorageErrorKind.NotSupported, $"{request.Pool}", "its backend can't do without a drive for a time: replace it, or remove it");
}
