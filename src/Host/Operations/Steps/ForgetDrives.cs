using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Forgets a drive that left its pool, or all that were taken into one.</summary>
internal sealed class ForgetDrives(TakenDrives taken, PoolName pool, string? device = null) : StorageStep
{
    private IReadOnlyList<TakenDrive> _before = [];

    /// <inheritdoc/>
    public override string Title => device is null ? $"forget what was taken into {pool}" : $"forget {device} as a drive of {pool}";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = Find(taken, pool, device).Any() ? StepEffect.Change : StepEffect.AlreadySo;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        _before = [.. Find(taken, pool, device)];
        foreach (TakenDrive drive in _before)
        {
            taken.Remove(pool, drive.Device);
        }

        return new(_before.Count > 0 ? StepOutcome.Changed : StepOutcome.AlreadySo);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        foreach (TakenDrive drive in _before)
        {
            taken.Add(pool, drive);
        }

        return ValueTask.CompletedTask;
    }

    private static IEnumerable<TakenDrive> Find(TakenDrives taken, PoolName pool, string? device)
        => taken.Of(pool).Where(drive => device is null || drive.Device == device);
}
