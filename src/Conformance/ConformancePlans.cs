using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Conformance;

/// <summary>Runs plans as the host does, without its journal, for who has no host at hand.</summary>
public static class ConformancePlans
{
    /// <summary>Runs a plan. Whatever goes wrong, what the operation changed is reverted, last first, and the step that failed with it.</summary>
    /// <returns>The steps that changed something.</returns>
    public static async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        OperationContext context = new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
        List<StorageStep> changed = [];
        StorageStep? running = null;
        try
        {
            foreach (StorageStep step in plan.Steps)
            {
                running = step;
                if (await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed)
                {
                    changed.Add(step);
                }

                running = null;
            }

            return changed;
        }
        catch (Exception) when (!changed.Exists(step => step.Expected.Destroyed is not null))
        {
            // From a completed destructive step on a plan only goes forward.
            foreach (StorageStep step in changed.Append(running).OfType<StorageStep>().Reverse())
            {
                await step.RevertAsync(context, CancellationToken.None);
            }

            throw;
        }
    }
}
