using EveStorage.Host.Operations;

namespace EveStorage.Host.Composition;

/// <summary>Opens a pool: first the layers under it, then the pool itself.</summary>
internal sealed class PoolOpening(StorageParts parts, PlanRunner plans, LockedPools locked, IEventSink events)
{
    /// <summary>Opens it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it has not been made.
    /// <see cref="StorageErrorKind.Unavailable"/>: it is locked, or a key is not there.</exception>
    internal async Task<IStoragePool> OpenAsync(PoolName name, CancellationToken cancellationToken)
    {
        LayerStack[] devices = [.. parts.DevicesOf(name).Where(stack => stack.Layers.Count > 0)];
        if (devices.Length > 0)
        {
            if (locked.Contains(name))
            {
                throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: `evestorage pool unlock {name}`");
            }

            await OpenAsync(name, devices, cancellationToken);
        }

        return await parts.BackendOf(name).OpenPoolAsync(name, cancellationToken);
    }

    // A pool that has lost a drive opens without it: whether that is enough, its backend says.
    private async Task OpenAsync(PoolName name, LayerStack[] devices, CancellationToken cancellationToken)
    {
        List<StorageException> failures = [];
        foreach (LayerStack device in devices)
        {
            try
            {
                if (device.Layers[0].Site.LowerPath is string lower && !Path.Exists(lower))
                {
                    throw new StorageException(StorageErrorKind.Unavailable, device.Layers[0].Site.Subject, "is not there: plug it in, or see `evestorage device list`");
                }

                if (!await device.IsOpenAsync(cancellationToken))
                {
                    await plans.RunAsync(PlanRun.OfOpening(await device.PlanOpenAsync(cancellationToken)), cancellationToken);
                }
            }
            catch (StorageException e)
            {
                failures.Add(e);
            }
        }

        if (failures.Count == devices.Length)
        {
            throw await MissingKeyAsync(name, devices, cancellationToken) ?? failures[0];
        }

        foreach (StorageException failure in failures)
        {
            events.Report(new("pool.device-not-opened", EventSeverity.Critical, $"{name}", failure.Message));
        }
    }

    private async Task<StorageException?> MissingKeyAsync(PoolName name, LayerStack[] devices, CancellationToken cancellationToken)
    {
        foreach (KeyName key in StackPlanner.KeysOf(devices))
        {
            try
            {
                using KeyMaterial there = await parts.RequireKeys().GetAsync(key, cancellationToken);
            }
            catch (StorageException e) when (e.Kind is StorageErrorKind.NotFound or StorageErrorKind.Unavailable)
            {
                return e.Kind == StorageErrorKind.NotFound && !await AnyIsThereAsync(devices, cancellationToken)
                    ? null
                    : new(StorageErrorKind.Unavailable, $"{name}", $"is locked: its key {key} is not there ({e.Message})", e);
            }
        }

        return null;
    }

    // Before a pool is made there is no key either, and nothing on its devices that names one.
    private static async Task<bool> AnyIsThereAsync(LayerStack[] devices, CancellationToken cancellationToken)
    {
        foreach (StackedLayer stacked in devices.SelectMany(device => device.Layers))
        {
            if (stacked.Layer is IRekeyableLayer rekeyable && await rekeyable.FindKeyAsync(stacked.Site, cancellationToken) is not null)
            {
                return true;
            }
        }

        return false;
    }
}
