using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Testing;

/// <summary>Runs plans as the host does, without its journal: whatever goes wrong, what the operation changed is reverted, last first.</summary>
public static class RunningPlans
{
    /// <summary>Runs a plan, and gives the steps that changed something.</summary>
    public static async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        OperationContext context = ContextOf(request);
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
        catch (Exception cause)
        {
            foreach (StorageStep step in changed.Append(running).OfType<StorageStep>().Reverse())
            {
                try
                {
                    await step.RevertAsync(context, CancellationToken.None);
                }
                catch (StorageException failure)
                {
                    throw new AggregateException(cause, failure);
                }
            }

            throw;
        }
    }

    /// <summary>Runs a plan that makes <paramref name="made"/>.</summary>
    public static async Task<OperationRequest> RunAsync(ValueTask<Plan> plan, params string[] made)
    {
        OperationRequest request = RequestFor(made);
        await RunAsync(await plan, request, CancellationToken.None);
        return request;
    }

    /// <summary>An operation that makes <paramref name="made"/>.</summary>
    public static OperationRequest RequestFor(params string[] made)
        => new() { Id = Guid.NewGuid(), Ids = made.ToDictionary(name => name, _ => Guid.NewGuid()) };

    /// <summary>What its steps are given.</summary>
    public static OperationContext ContextOf(OperationRequest request)
        => new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
}
