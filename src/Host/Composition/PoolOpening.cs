using EveStorage.Host.Operations;

namespace EveStorage.Host.Composition;

/// <summary>Opens a pool: first the layers under it, then the pool itself.</summary>
internal sealed class PoolOpening(StorageParts parts, PlanRunner plans, LockedPools locked, KnownPools known, IEventSink events)
{
    /// <summary>Opens it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it has not been made.
    /// <see cref="StorageErrorKind.Unavailable"/>: it is locked, a key is not there, a drive that may have it is not, or it
    /// has been here and is not found (<see cref="MissingPoolException"/>).</exception>
    internal async Task<IStoragePool> OpenAsync(PoolName name, bool evenLocked, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> devices = parts.DevicesOf(name);
        LayerStack[] layered = [.. devices.Where(stack => stack.Layers.Count > 0)];
        if (layered.Length > 0 && !evenLocked && locked.Contains(name))
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is locked: `evestorage pool unlock {name}`");
        }

        List<StorageException> failures = [];
        try
        {
            failures = await OpenAsync(name, layered, cancellationToken);
            IStoragePool pool = await parts.BackendOf(name).OpenPoolAsync(name, cancellationToken);
            foreach (StorageException failure in failures)
            {
                events.Report(new("pool.device-not-opened", EventSeverity.Critical, $"{name}", failure.Message));
            }

            Remember(name);
            return pool;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound && WhyNotSeen(devices, failures) is string reason)
        {
            // What can't be looked at now may well hold it. To take it for a pool that was never made would cost its data.
            throw new StorageException(StorageErrorKind.Unavailable, $"{name}", $"is not seen, and may be where nothing can be seen now: {reason}", e);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            if (known.FindMissing(name, devices.Select(device => device.Device), e) is MissingPoolException missing)
            {
                throw missing;
            }

            throw;
        }
    }

    // Those that were made elsewhere, or before this was kept. A state directory that can't be written keeps nobody from the data.
    private void Remember(PoolName name)
    {
        try
        {
            known.Add(name);
        }
        catch (StorageException e)
        {
            events.Report(new("pool.not-remembered", EventSeverity.Warning, $"{name}", $"is here, and that could not be kept in mind: {e.Message}"));
        }
    }

    // Why there may be a pool that its backend did not find; null when everything was looked at.
    private static string? WhyNotSeen(IReadOnlyList<LayerStack> devices, List<StorageException> failures)
        => failures.Find(failure => failure.Kind != StorageErrorKind.NotFound)?.Message
            ?? devices.Where(device => device.Layers.Count == 0 && device.IsAbsent).Select(device => device.AbsentMessage).FirstOrDefault();

    // A pool that has lost a drive opens without it: whether that is enough, its backend says.
    private async Task<List<StorageException>> OpenAsync(PoolName name, LayerStack[] devices, CancellationToken cancellationToken)
    {
        List<StorageException> failures = [];
        foreach (LayerStack device in devices)
        {
            try
            {
                if (device.IsAbsent)
                {
                    throw new StorageException(StorageErrorKind.Unavailable, $"{name}", device.AbsentMessage);
                }

                if (!await device.IsOpenAsync(cancellationToken))
                {
                    await plans.RunAsync(PlanRun.OfOpening(await device.PlanOpenAsync(cancellationToken), name), cancellationToken);
                }
            }
            catch (StorageException e)
            {
                failures.Add(e);
            }
        }

        if (failures.Count > 0 && failures.Count == devices.Length)
        {
            throw await MissingKeyAsync(name, devices, cancellationToken) ?? failures.Find(failure => failure.Kind != StorageErrorKind.NotFound) ?? failures[0];
        }

        return failures;
    }

    private async Task<StorageException?> MissingKeyAsync(PoolName name, LayerStack[] devices, CancellationToken cancellationToken)
    {
        // Before a pool is made there is no key either, and nothing on its devices that names one.
        IReadOnlyDictionary<string, KeyName> said = await PoolKeys.SaidAsync(devices, cancellationToken);
        foreach (KeyName key in said.Count > 0 ? said.Values : StackPlanner.KeysOf(devices))
        {
            try
            {
                using KeyMaterial there = await parts.RequireKeys().GetAsync(key, cancellationToken);
            }
            catch (StorageException e) when (e.Kind is StorageErrorKind.NotFound or StorageErrorKind.Unavailable)
            {
                return e.Kind == StorageErrorKind.NotFound && said.Count == 0
                    ? null
                    : new(StorageErrorKind.Unavailable, $"{name}", $"is locked: its key {key} is not there ({e.Message})", e);
            }
        }

        return null;
    }
}
