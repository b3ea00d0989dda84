using EveStorage.Cli.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>A change of the key of a pool that encrypts by itself, with no layer under it.</summary>
internal static class NativeRekey
{
    /// <summary>Plans it; null where keys are the layers' below.</summary>
    internal static async Task<Plan?> TryPlanAsync(RekeyPool request, KeyName newKey, PlanningContext context, CancellationToken cancellationToken)
    {
        if (StackPlanner.KeysOf(context.Parts.DevicesOf(request.Pool)).Any()
            || await context.Pools.OpenAsync(request.Pool, cancellationToken) is not IRekeyablePool { Key: KeyName key } pool)
        {
            return null;
        }

        Plan plan = (await context.Parts.RequireKeys().PlanCreateAsync(newKey, StackPlanner.KeyLength, cancellationToken)).Then(await pool.PlanRekeyAsync(newKey, cancellationToken));
        context.Result("key", $"{newKey}");
        List<KeyName> forgotten = [];
        foreach (KeyName before in await KeyUse.OnlyOfAsync(request.Pool, KeyUse.TellReplaced([key], newKey, context), context, cancellationToken))
        {
            if (!await IsUsedElsewhereAsync(request.Pool, before, context, cancellationToken))
            {
                forgotten.Add(before);
            }
        }

        return plan.Then(await KeyUse.PlanForgetAsync(forgotten, context, cancellationToken));
    }

    // A profile may name one key for several pools. One that can't be asked may need it.
    private static async Task<bool> IsUsedElsewhereAsync(PoolName pool, KeyName key, PlanningContext context, CancellationToken cancellationToken)
    {
        foreach (PoolName other in context.Parts.PoolNames.Where(other => other != pool))
        {
            try
            {
                if (await context.Pools.TryOpenAsync(other, cancellationToken) is IRekeyablePool { Key: KeyName theirs } && theirs == key)
                {
                    return true;
                }
            }
            catch (StorageException)
            {
                return true;
            }
        }

        return false;
    }
}
