using EveStorage.Host.Locks;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Checks;

/// <summary>Runs the plans of the kit as the host runs those of an operation, without a journal: a promise that a crash cuts short is no one's to finish.</summary>
internal sealed class KitPlans(PlanRunner plans)
{
    internal async Task<IReadOnlyList<StorageStep>> RunAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        List<StorageStep> changed = [];
        await plans.RunAsync(
            new()
            {
                Plan = plan,
                Request = request,
                TellReverting = static _ => { },
                Progress = new Progress<StepProgress>(),
                LockAsync = static (_, _) => Task.FromResult<HeldLock?>(null),   // held already, or nobody else's
                Tell = (step, outcome) =>
                {
                    if (outcome == StepState.Changed)
                    {
                        changed.Add(step);
                    }
                },
            },
            cancellationToken);
        return changed;
    }
}
