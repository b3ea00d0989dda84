using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>Runs plans as the host does: whatever goes wrong, what the operation changed is reverted, last first.</summary>
internal static class Run
{
    internal static async Task<IReadOnlyList<StorageStep>> AsHostAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        OperationContext context = Context(request);
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
    internal static async Task<OperationRequest> Async(ValueTask<Plan> plan, params string[] made)
    {
        OperationRequest request = Request(made);
        await AsHostAsync(await plan, request, CancellationToken.None);
        return request;
    }

    /// <summary>An operation that makes <paramref name="made"/>.</summary>
    internal static OperationRequest Request(params string[] made)
        => new() { Id = Guid.NewGuid(), Ids = made.ToDictionary(name => name, _ => Guid.NewGuid()) };

    internal static OperationContext Context(OperationRequest request)
        => new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
}
