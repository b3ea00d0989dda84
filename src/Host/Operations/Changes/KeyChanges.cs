using EveStorage.Cli.Api;
using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a key.</summary>
internal sealed class PlanCreateKey : ChangePlanner<CreateKey>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreateKey request, PlanningContext context, CancellationToken cancellationToken)
        => await context.Parts.RequireKeys().PlanCreateAsync(request.Key, request.Length ?? StackPlanner.KeyLength, cancellationToken);
}

/// <summary>Removes a key that nothing on record needs.</summary>
internal sealed class PlanDeleteKey : ChangePlanner<DeleteKey>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeleteKey request, PlanningContext context, CancellationToken cancellationToken)
    {
        foreach (PoolName name in context.Parts.PoolNames)
        {
            if ((await PoolKeys.OfAsync(context.Parts.DevicesOf(name), cancellationToken)).Contains(request.Key))
            {
                throw new StorageException(StorageErrorKind.Busy, $"{request.Key}", $"opens pool {name}, which would be lost with it");
            }

            if (await TryOpenAsync(name, request.Key, context, cancellationToken) is IStoragePool pool
                && await KeyUse.FindAsync(pool, request.Key, except: null, cancellationToken) is VolumeName volume)
            {
                throw new StorageException(StorageErrorKind.Busy, $"{request.Key}", $"is needed by {name}/{volume}: delete that, or end its export, first");
            }
        }

        return await context.Parts.RequireKeys().PlanDeleteAsync(request.Key, cancellationToken);
    }

    // What is in a pool that can't be looked at may need it.
    private static async Task<IStoragePool?> TryOpenAsync(PoolName name, KeyName key, PlanningContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Pools.TryOpenAsync(name, cancellationToken);
        }
        catch (StorageException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{key}", $"may be needed in pool {name}, which can't be opened now ({e.Message})", e);
        }
    }
}

/// <summary>Who needs a key.</summary>
internal static class KeyUse
{
    /// <summary>A volume whose record names it: for a layer, or for an export.</summary>
    internal static async Task<VolumeName?> FindAsync(IStoragePool pool, KeyName key, VolumeName? except, CancellationToken cancellationToken)
    {
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            if (volume.Name != except && await pool.Records.FindAsync(volume.Name, cancellationToken) is VolumeRecord record
                && record.Layers.Select(layer => layer.Key)
                    .Concat(record.Exports.SelectMany(export => export.AllowedHosts.Values.Concat(export.ControllerKeys.Values))).Contains($"{key}"))
            {
                return volume.Name;
            }
        }

        return null;
    }

    /// <summary>
    /// Tells which keys a new one replaces: those that are found, and those that were found before a crash, since what has the new one already
    /// names no other.
    /// </summary>
    internal static IReadOnlyList<KeyName> TellReplaced(IEnumerable<KeyName> found, KeyName newKey, PlanningContext context)
    {
        const string Replaces = "replaces";
        string[] told = context.Told.TryGetValue(Replaces, out string? names) ? names.Split(", ", StringSplitOptions.RemoveEmptyEntries) : [];
        IReadOnlyList<KeyName> replaced = [.. found.Concat(told.Select(static name => new KeyName(name))).Distinct().Where(key => key != newKey)];
        if (replaced.Count > 0)
        {
            context.Result(Replaces, string.Join(", ", replaced));
        }

        return replaced;
    }

    /// <summary>Those of a pool's keys that open no other pool: a profile may name one key for several.</summary>
    internal static async Task<IReadOnlyList<KeyName>> OnlyOfAsync(PoolName pool, IEnumerable<KeyName> keys, PlanningContext context, CancellationToken cancellationToken)
    {
        HashSet<KeyName> only = [.. keys];
        foreach (PoolName other in context.Parts.PoolNames.Where(other => other != pool))
        {
            only.ExceptWith(await PoolKeys.OfAsync(context.Parts.DevicesOf(other), cancellationToken));
        }

        return [.. only];
    }

    /// <summary>
    /// Plans removing keys that nothing needs any more. Those that others brought stay, which is told as a result: whoever brings them
    /// may stop.
    /// </summary>
    internal static async Task<Plan> PlanForgetAsync(IEnumerable<KeyName> keys, PlanningContext context, CancellationToken cancellationToken)
    {
        Plan plan = Plan.Of();
        List<KeyName> kept = [];
        foreach (KeyName key in keys)
        {
            try
            {
                plan = plan.Then(await context.Parts.RequireKeys().PlanDeleteAsync(key, cancellationToken));
            }
            catch (StorageException e) when (e.Kind is StorageErrorKind.NotSupported or StorageErrorKind.Conflict)
            {
                kept.Add(key);
            }
        }

        if (kept.Count > 0)
        {
            context.Result("kept-keys", string.Join(", ", kept));
        }

        return plan;
    }
}
