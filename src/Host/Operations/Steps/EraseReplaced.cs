using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>
/// Closes the layers of a drive that was replaced and makes what they held unreadable, if it is still there. One that has failed may
/// take no more writes: that is told, and is no reason to have its replacement fail.
/// </summary>
internal sealed class EraseReplaced(PoolName pool, LayerStack drive, IEventSink events) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => $"close {drive.Device} and make it unreadable for good";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = StepEffect.Destroys($"all data of {drive.Device}");

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        StepOutcome outcome = StepOutcome.AlreadySo;
        try
        {
            await RunAsync(await drive.PlanCloseAsync(cancellationToken));
            if (!drive.IsAbsent)
            {
                await RunAsync(await drive.PlanEraseAsync(cancellationToken));
            }
        }
        catch (StorageException e)
        {
            events.Report(new("drive.not-erased", EventSeverity.Warning, $"{pool}", $"{drive.Device} was replaced and could not be made unreadable ({e.Message}): destroy it, or wipe it yourself"));
        }

        return outcome;

        async Task RunAsync(Plan plan)
        {
            foreach (StorageStep step in plan.Steps)
            {
                outcome = await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed ? StepOutcome.Changed : outcome;
            }
        }
    }

    /// <summary>Nothing: what it destroyed is gone, and what it did not is no longer the pool's.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
