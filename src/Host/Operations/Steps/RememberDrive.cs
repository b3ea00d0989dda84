using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Keeps in mind that a drive comes into a pool, before anything is written on it, so that each start opens what lies on it.</summary>
internal sealed class RememberDrive(TakenDrives taken, PoolName pool, string device) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"remember {device} as a drive of {pool}";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = taken.Of(pool).Any(drive => drive.Device == device) ? StepEffect.AlreadySo : StepEffect.Change;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (taken.Of(pool).FirstOrDefault(drive => drive.Device == device) is TakenDrive there)
        {
            return new(there.Operation == context.Request.Id ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        taken.Add(pool, new(device, context.Request.Id));
        return new(StepOutcome.Changed);
    }

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (taken.Of(pool).Any(drive => drive.Device == device && drive.Operation == context.Request.Id))
        {
            taken.Remove(pool, device);
        }

        return ValueTask.CompletedTask;
    }
}
