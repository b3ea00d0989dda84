using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Testing;

/// <summary>Runs a plan as the host's runner does, without its journal: what changed is reverted when a step fails, that step too.</summary>
public static class RunningPlans
{
    public static async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        OperationContext context = new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
        List<StorageStep> changed = [];
        foreach (StorageStep step in plan.Steps)
        {
            try
            {
                if (await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed)
                {
                    changed.Add(step);
                }
            }
            catch (StorageException)
            {
                foreach (StorageStep done in changed.Append(step).Reverse())
                {
                    await done.RevertAsync(context, cancellationToken);
                }

                throw;
            }
        }

        return changed;
    }
}
