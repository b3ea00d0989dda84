using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Conformance;

/// <summary>Runs plans as the host does, without its journal, for who has no host at hand.</summary>
public static class ConformancePlans
{
    /// <summary>Runs a plan. Whatever goes wrong, what the operation changed is reverted, last first, and the step that failed with it.</summary>
    /// <returns>The steps that changed something.</returns>
    /// <exception cref="AggregateException">It failed, and so did undoing it; the first of the inner ones is why it was undone. Any other exception is why
    /// it failed, after all was undone.</exception>
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
                    cancellationToken = step.Expected.Destroyed is null ? cancellationToken : CancellationToken.None;   // half of a way without return is the worst
                }

                running = null;
            }

            return changed;
        }
        catch (Exception cause) when (!changed.Exists(step => step.Expected.Destroyed is not null))
        {
            // From a completed destructive step on a plan only goes forward.
            List<Exception> failures = await RevertAsync([.. changed.Append(running).OfType<StorageStep>()], context);
            if (failures.Count > 0)
            {
                throw new AggregateException($"{cause.Message}; and what it had done could not be undone", failures.Prepend(cause));
            }

            throw;
        }
    }

    // Whatever one throws, those before it are reverted too; and why all of it is undone is told first.
    private static async Task<List<Exception>> RevertAsync(IReadOnlyList<StorageStep> steps, OperationContext context)
    {
        List<Exception> failures = [];
        foreach (StorageStep step in steps.Reverse())
        {
            try
            {
                await step.RevertAsync(context, CancellationToken.None);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                failures.Add(failure);
            }
        }

        return failures;
    }
}
