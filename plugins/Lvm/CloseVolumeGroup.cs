using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Lets go of a pool's drives: no device of its volume group stays. It looks first, since LVM closes what it can before it finds one that is open.</summary>
internal sealed class CloseVolumeGroup(LvmTools tools, PoolName name, LvmOptions options, PluginServices services, StepEffect expected) : StorageStep
{
    public override string Title => $"close the volume group {options.GroupOf(name)}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: a volume is open.</exception>
    internal static async Task<CloseVolumeGroup> PlanAsync(
        LvmTools tools, PoolName name, LvmOptions options, PluginServices services, CancellationToken cancellationToken)
        => new(tools, name, options, services, await FindActiveAsync(tools, name, options, services, cancellationToken) is null ? StepEffect.AlreadySo : StepEffect.Change);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenGroup.LockAsync(options.GroupOf(name), Title, options, services.Time, cancellationToken);
        if (await FindActiveAsync(tools, name, options, services, cancellationToken) is not VolumeGroup group)
        {
            return StepOutcome.AlreadySo;
        }

        await group.RunAsync("vgchange", ["--activate", "n", group.Name], cancellationToken);
        return StepOutcome.Changed;
    }

    // What it was closed for may be gone by now: then it stays closed, and opening the pool tells why.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenGroup.LockAsync(options.GroupOf(name), $"undo: {Title}", options, services.Time, cancellationToken);
        if (await PoolDevices.FindGroupAsync(tools, options.GroupOf(name), services.Devices, cancellationToken) is VolumeGroup group)
        {
            await OpenGroup.ActivateAsync(group, cancellationToken);
        }
    }

    private static async Task<VolumeGroup?> FindActiveAsync(
        LvmTools tools, PoolName name, LvmOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        if (await PoolDevices.FindGroupAsync(tools, options.GroupOf(name), services.Devices, cancellationToken) is not VolumeGroup group
            || await group.FindAsync(cancellationToken) is not GroupFacts facts)
        {
            return null;
        }

        OpenGroup.RequireOurs(name, facts);
        IReadOnlyList<LogicalVolume> all = await group.ListAsync(cancellationToken);
        return all.FirstOrDefault(lv => lv.IsPublic && lv.IsOpen && LvName.Parse(lv.Name) is not null) is LogicalVolume open
            ? throw group.Busy(open.Name, $"close {name} and")
            : all.Any(lv => lv.IsActive) ? group : null;
    }
}
