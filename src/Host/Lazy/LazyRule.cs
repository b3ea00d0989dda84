using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Lazy;

/// <summary>
/// Refuses, before anything is touched, what can't be done with a volume that lies over its image: all that would take what the pool has of it
/// for all of it. It goes around every planner, so that a new kind of change is refused until somebody has thought of it.
/// </summary>
internal sealed class LazyRule(IChangePlanner inner, LazyVolumes lazy) : IChangePlanner
{
    /// <inheritdoc/>
    public Type Handles => inner.Handles;

    /// <inheritdoc/>
    public Recovery AfterCrash => inner.AfterCrash;

    /// <inheritdoc/>
    public bool CopiesData => inner.CopiesData;

    /// <inheritdoc/>
    public IEnumerable<VolumeName> Owns(ChangeRequest request, Guid operation) => inner.Owns(request, operation);

    /// <inheritdoc/>
    public IEnumerable<string> Makes(ChangeRequest request, Guid operation) => inner.Makes(request, operation);

    /// <inheritdoc/>
    public async Task<Plan> PlanAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
    {
        // What was taken before a crash was allowed then.
        if (!context.Recovering)
        {
            await RequireAsync(request, context, cancellationToken);
        }

        return await inner.PlanAsync(request, context, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Plan?> PlanUndoAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
        => inner.PlanUndoAsync(request, context, cancellationToken);

    private async Task RequireAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
    {
        if (request is AddExport or SetExport or RemoveExport or FinishImport or ImportImage or CreateVolume or CreatePool or ForgetPool or UnlockPool
            || request.Scope is not PoolName name || await TryOpenAsync(name, context, cancellationToken) is not IStoragePool pool)
        {
            return;
        }

        if (request is LockPool)
        {
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                await RequireAsync(pool, volume.Name, request, cancellationToken);
            }
        }

        foreach (VolumeName volume in inner.Owns(request, context.Operation.Id))
        {
            await RequireAsync(pool, volume, request, cancellationToken);
        }
    }

    private async Task RequireAsync(IStoragePool pool, VolumeName volume, ChangeRequest request, CancellationToken cancellationToken)
    {
        if (request is DeleteVolume)
        {
            if (volume.IsTemporary && (await ImageLayer.MapsAsync(pool, cancellationToken)).Contains(volume))
            {
                throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}/{volume}", "says what of another volume is copied from its image: it goes with that, or when all is copied");
            }

            return;
        }

        if (await lazy.ReportAsync(pool, await pool.Records.FindAsync(volume, cancellationToken), cancellationToken) is LazyReport report && !(request is SaveImage && report.State == LazyReport.Refused))
        {
            throw Refused($"{pool.Name}/{volume}", report);
        }
    }

    // Nobody should wait for what will not come.
    private static StorageException Refused(string subject, LazyReport report)
    {
        string what = $"is used before its image is copied, {report.Copied} of {report.Size} by now";
        return report.State == LazyReport.Damaged
            ? new(StorageErrorKind.Corrupt, subject, $"{what}, and the rest can't be: {report.Problem}")
            : new(StorageErrorKind.Busy, subject, report.Problem is null ? $"{what}: ask again when all is (`evestorage volume show {subject}`)" : $"{what}, and waits: {report.Problem}");
    }

    // Of one that can't be opened its planner says why.
    private static async Task<IStoragePool?> TryOpenAsync(PoolName name, PlanningContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Pools.TryOpenAsync(name, cancellationToken);
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
