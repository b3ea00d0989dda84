using EveStorage.Cli.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Gives the layers under a pool, or a pool that encrypts by itself, a new key, and forgets the one before once every one of them has it.</summary>
internal sealed class PlanRekeyPool : ChangePlanner<RekeyPool>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RekeyPool request, PlanningContext context, CancellationToken cancellationToken)
    {
        const int Distinct = 8;
        KeyName newKey = ExportNames.Typed($"pool-{request.Pool}-{context.Operation.Id.ToString("N")[..Distinct]}", text => new KeyName(text));
        if (await NativeRekey.TryPlanAsync(request, newKey, context, cancellationToken) is Plan native)
        {
            return native;
        }

        IReadOnlyList<LayerStack> devices = LockablePools.DevicesOf(request.Pool, context);
        await RequireAllAsync(request.Pool, devices, context, cancellationToken);
        IReadOnlyList<KeyName> before = KeyUse.TellReplaced([.. await PoolKeys.OfAsync(devices, cancellationToken), .. StackPlanner.KeysOf(devices)], newKey, context);
        Plan plan = await context.Parts.RequireKeys().PlanCreateAsync(newKey, StackPlanner.KeyLength, cancellationToken);
        foreach (LayerStack device in devices)
        {
            // One that the profile names and that holds nothing is not the pool's: it left, or is still to come.
            if (await PoolKeys.AnyIsThereAsync(device, cancellationToken) || await device.CountOpenAsync(cancellationToken) > 0)
            {
                plan = plan.Then(await PlanRekeyAsync(device, newKey, cancellationToken));
            }
        }

        context.Result("key", $"{newKey}");
        return plan.Then(await KeyUse.PlanForgetAsync(await KeyUse.OnlyOfAsync(request.Pool, before, context, cancellationToken), context, cancellationToken));
    }

    private static async Task<Plan> PlanRekeyAsync(LayerStack device, KeyName newKey, CancellationToken cancellationToken)
    {
        Plan plan = Plan.Of();
        foreach (StackedLayer stacked in device.Layers)
        {
            plan = stacked.Layer is IRekeyableLayer rekeyable
                ? plan.Then(await rekeyable.PlanRekeyAsync(stacked.Site, newKey, cancellationToken))
                : throw new StorageException(StorageErrorKind.NotSupported, stacked.Site.Subject, $"{stacked.Kind} can't change its key");
        }

        return plan;
    }

    // The key before is forgotten, so that a drive which keeps it would be lost.
    private static async Task RequireAllAsync(PoolName name, IReadOnlyList<LayerStack> devices, PlanningContext context, CancellationToken cancellationToken)
    {
        if (devices.FirstOrDefault(device => device.IsAbsent) is LayerStack absent)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{name}", absent.AbsentMessage);
        }

        if (await context.Pools.OpenAsync(name, cancellationToken) is not IDrivePool pool)
        {
            return;
        }

        foreach (DriveStatus drive in (await pool.GetStatusAsync(cancellationToken)).Drives)
        {
            if (drive.Path is null || !devices.Any(device => device.IsCalled(drive.Path)))
            {
                throw new StorageException(
                    StorageErrorKind.Unavailable, $"{name}",
                    $"its drive {drive.Name} {(drive.Path is null ? "is missing" : "is not one that the profile names")}, and would keep the key before: {(drive.Path is null ? "bring it back, or replace it" : "put it into the profile")} first");
            }
        }
    }
}
