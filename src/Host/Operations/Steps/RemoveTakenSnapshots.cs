namespace EveStorage.Host.Operations.Steps;

/// <summary>
/// Taking snapshots, as it is undone after a crash: those that the operation took are known by the ids that were drawn for
/// them. Planning them again would be refused, since some are there.
/// </summary>
internal sealed class RemoveTakenSnapshots(ISnapshotPool pool, IReadOnlyList<SnapshotName> snapshots) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"take {string.Join(", ", snapshots.Select(snapshot => $"{pool.Name}/{snapshot}"))}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.AlreadySo;

    /// <summary>Nothing: it is there to be reverted.</summary>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => new(StepOutcome.AlreadySo);

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        HashSet<SnapshotName> taken = await FindTakenAsync(context.Request, cancellationToken);
        HashSet<SnapshotName> there = await FindAsync(static _ => true, cancellationToken);

        // One that is not there may be half made: its backend removes that with it.
        foreach (SnapshotName snapshot in snapshots.Where(snapshot => taken.Contains(snapshot) || !there.Contains(snapshot)))
        {
            foreach (StorageStep step in (await pool.PlanDeleteSnapshotAsync(snapshot, cancellationToken)).Steps)
            {
                await step.ApplyAsync(context, cancellationToken);
            }
        }
    }

    /// <summary>Those that <paramref name="operation"/> took.</summary>
    internal Task<HashSet<SnapshotName>> FindTakenAsync(OperationRequest operation, CancellationToken cancellationToken)
        => FindAsync(snapshot => operation.Ids.TryGetValue($"{snapshot.Name}", out Guid id) && id == snapshot.Id, cancellationToken);

    private async Task<HashSet<SnapshotName>> FindAsync(Func<SnapshotInfo, bool> wanted, CancellationToken cancellationToken)
    {
        HashSet<SnapshotName> found = [];
        foreach (VolumeName volume in snapshots.Select(snapshot => snapshot.Volume).Distinct())
        {
            if (await pool.FindVolumeAsync(volume, cancellationToken) is not null)
            {
                await foreach (SnapshotInfo snapshot in pool.ListSnapshotsAsync(volume, cancellationToken))
                {
                    if (snapshots.Contains(snapshot.Name) && wanted(snapshot))
                    {
                        found.Add(snapshot.Name);
                    }
                }
            }
        }

        return found;
    }
}
