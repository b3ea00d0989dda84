using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Pools of logical volumes: one volume group each. Volumes are block devices of the kernel's; no process of ours is in their path.</summary>
internal sealed class LvmBackend(LvmOptions options, PluginServices services) : IStorageBackend
{
    private const string Control = "/dev/mapper/control";

    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [.. LvmTools.Missing()];
        if (FileOwner.Ours != 0)
        {
            missing.Add("only root may use device-mapper: run as root");
        }

        (string, string)[] thin = options.Provisioning == LvmProvisioning.Thin ? [("dm-thin-pool", "CONFIG_DM_THIN_PROVISIONING")] : [];
        missing.AddRange(KernelModule.Missing([("dm-mod", "CONFIG_BLK_DEV_DM"), .. thin]));
        if (missing.Count == 0 && !File.Exists(Control) && !KernelModule.IsListed("dm-mod"))
        {
            missing.Add($"{Control} is missing: the kernel has no device-mapper (CONFIG_BLK_DEV_DM)");
        }

        PoolName? name = PoolName.TryParse(services.Name, out PoolName parsed) ? parsed : null;
        if (name is PoolName pool && LvmOptionsValidator.WhyNoGroup(options.GroupOf(pool)) is string reason)
        {
            missing.Add($"the volume group {options.GroupOf(pool)} {reason}: set the option VolumeGroup");
        }

        return new(missing.Count > 0
            ? ProbeResult.Unusable(missing)
            : ProbeResult.Usable(options.Provisioning == LvmProvisioning.Thin
                ? LvmThinPool.CapabilitiesOf(options.ExtentSize)
                : LvmThickPool.CapabilitiesOf(options.ExtentSize)));
    }

    public async ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        PoolRequest request = PoolRequest.Check(spec, options);
        LvmTools tools = LvmTools.Find(options);
        GroupFacts? there = await CreateVolumeGroup.FindSameAsync(tools, request, cancellationToken);
        StepEffect effect = there is { Tags.Making: null } ? StepEffect.AlreadySo : StepEffect.Change;
        if (there is null)
        {
            await CreateVolumeGroup.CheckDevicesAsync(tools, request, mayBeAbsent: true, cancellationToken);
        }

        PoolInMaking making = new(tools, request, options, services);
        List<StorageStep> steps = [new CreateVolumeGroup(making, effect), new CreateRecords(making, effect)];
        if (options.Provisioning == LvmProvisioning.Thin)
        {
            steps.Add(new CreateThinPool(making, effect));
        }

        steps.Add(new FinishPool(making, effect));
        return new(steps);
    }

    public async ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken)
        => Plan.Of(await DeletePool.PlanAsync(LvmTools.Find(options), name, options, services, cancellationToken));

    public async ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken)
        => Plan.Of(await CloseVolumeGroup.PlanAsync(LvmTools.Find(options), name, options, services, cancellationToken));

    public async ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        OpenGroup open = await OpenGroup.OpenAsync(name, LvmTools.Find(options), options, services, cancellationToken);
        try
        {
            return open.Shape.Provisioning == LvmProvisioning.Thin
                ? new LvmThinPool(open, options, services)
                : new LvmThickPool(open, options, services);
        }
        catch (StorageException)
        {
            open.Records.Dispose();
            throw;
        }
    }
}
