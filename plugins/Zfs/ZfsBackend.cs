using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Pools of ZFS: compressed, checked by checksums, encrypted, over many drives. Volumes are block devices of the kernel's.</summary>
internal sealed class ZfsBackend(ZfsOptions options, PluginServices services) : IStorageBackend
{
    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [.. ZfsTools.Missing()];
        if (FileOwner.Ours != 0)
        {
            missing.Add("only root may use ZFS: run as root");
        }

        if (!KernelModule.IsThere("zfs"))
        {
            missing.Add("the kernel has no module zfs: install OpenZFS for it (zfs-dkms)");
        }
        else if (ZfsTools.LoadedVersion is ZfsVersion version && !(version >= ZfsVersion.Oldest))
        {
            missing.Add($"the kernel's module zfs is OpenZFS {version}: {ZfsVersion.Oldest} is needed");
        }

        if (PoolName.TryParse(services.Name, out PoolName name) && ZfsOptionsValidator.WhyNoPool(options.PoolOf(name)) is string reason)
        {
            missing.Add($"ZFS's name {options.PoolOf(name)} {reason}: set the option Pool");
        }

        return new(missing.Count > 0 ? ProbeResult.Unusable(missing) : ProbeResult.Usable(ZfsPool.CapabilitiesOf(options.VolumeBlockSize, options.Compression != "off", options.IsEncrypted)));
    }

    public async ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (options.IsEncrypted && services.Keys is null)
        {
            throw NeedsKeys(spec.Name);
        }

        PoolInMaking making = new(new(ZfsTools.Find(), options.PoolOf(spec.Name)), PoolRequest.Check(spec, options), options, services);
        PoolFacts? there = await CreatePool.FindSameAsync(making, mayTake: false, cancellationToken);
        if (there is null && !making.LiesOnDrives())
        {
            await CreatePool.CheckDevicesAsync(making.Request, mayBeAbsent: true, cancellationToken);
        }

        StepEffect effect = there?.Id is null ? StepEffect.Change : StepEffect.AlreadySo;
        return (await PlanKeyAsync(spec.Name, cancellationToken)).Then(Plan.Of(new CreatePool(making, effect), new FinishPool(making, effect)));
    }

    public async ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken)
        => Plan.Of(await DeletePool.PlanAsync(new(ZfsTools.Find(), options.PoolOf(name)), name, options, services, cancellationToken));

    public async ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken)
        => Plan.Of(await ClosePool.PlanAsync(new(ZfsTools.Find(), options.PoolOf(name)), name, options, services, cancellationToken));

    public async ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        OpenZpool open = await OpenZpool.OpenAsync(name, options, services, cancellationToken);
        if (!ZfsVersion.Verified.Contains(open.Version))
        {
            services.Events.Report(new(
                "pool.unverified-version", EventSeverity.Warning, $"{name}",
                $"is on OpenZFS {open.Version}, on which this program was never tried; it was on {string.Join(", ", ZfsVersion.Verified)}"));
        }

        return await ZfsPool.OpenAsync(open, options, services, cancellationToken);
    }

    // A key that is there is taken as it is; a source that makes none has to have it.
    private async Task<Plan> PlanKeyAsync(PoolName name, CancellationToken cancellationToken)
    {
        if (!options.IsEncrypted)
        {
            return Plan.Of();
        }

        IKeyProvider keys = services.Keys ?? throw NeedsKeys(name);
        KeyName key = options.KeyOf(name);
        try
        {
            return await keys.PlanCreateAsync(key, FinishPool.KeyLength, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return await keys.ListAsync(cancellationToken).AnyAsync(there => there == key, cancellationToken) ? Plan.Of() : throw new StorageException(e.Kind, e.Subject, $"the key {key} is not there, and its source makes none: put it there", e);
        }
    }

    private static StorageException NeedsKeys(PoolName name) => new(StorageErrorKind.InvalidConfiguration, $"{name}", "Encryption needs a source of keys: set Keys in the profile");
}
