using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Removes a pool of ours that holds no volume, and leaves its drives blank.</summary>
internal sealed class DeletePool(LvmTools tools, PoolName name, LvmOptions options, PluginServices services, StepEffect expected) : StorageStep
{
    public override string Title => $"remove the pool {name} and its volume group {options.GroupOf(name)}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">It is not ours, or not empty.</exception>
    internal static async Task<DeletePool> PlanAsync(
        LvmTools tools, PoolName name, LvmOptions options, PluginServices services, CancellationToken cancellationToken)
        => new(tools, name, options, services, await FindEmptyAsync(tools, name, options, services, cancellationToken) is null
            ? StepEffect.AlreadySo
            : StepEffect.Destroys($"the pool {name}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await OpenGroup.LockAsync(options.GroupOf(name), Title, options, services.Time, cancellationToken);
        if (await FindEmptyAsync(tools, name, options, services, cancellationToken) is not VolumeGroup group)
        {
            return await BlankAsync(cancellationToken) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        // Its parts first, each by its mark: vgremove would take everything.
        IReadOnlyList<LogicalVolume> all = await group.ListCommittedAsync(cancellationToken);
        foreach (string part in ((string[])[LvName.ThinPool, LvName.Metadata, LvName.Records]).Where(part => all.Any(lv => lv.Name == part)))
        {
            await group.RemoveAsync(part, LvTags.Owner, context.Time, cancellationToken);
        }

        await group.RunAsync("vgremove", ["--yes", "--select", $"vg_name=\"{group.Name}\" && vg_tags=\"{LvTags.Owner}\""], cancellationToken);
        foreach (string device in group.Devices)
        {
            await tools.RunAsync("pvremove", [device], ["--yes", device], cancellationToken);
        }

        return StepOutcome.Changed;
    }

    // A crash may have come between the group's end and the last label's. One of ours without a group is nobody's.
    private async Task<bool> BlankAsync(CancellationToken cancellationToken)
    {
        bool any = false;
        foreach (Drive drive in services.Devices.Select(device => Drive.Find(device)).OfType<Drive>())
        {
            any |= await PhysicalDrive.BlankAsync(tools, drive, cancellationToken);
        }

        return any;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await PoolDevices.FindGroupAsync(tools, options.GroupOf(name), services.Devices, cancellationToken) is null)
        {
            throw new StorageException(StorageErrorKind.NeedsAttention, $"{name}", "was removed and can't be brought back: create it again");
        }
    }

    private static async Task<VolumeGroup?> FindEmptyAsync(
        LvmTools tools, PoolName name, LvmOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        if (await PoolDevices.FindGroupAsync(tools, options.GroupOf(name), services.Devices, cancellationToken) is not VolumeGroup group
            || await group.FindAsync(cancellationToken) is not GroupFacts facts)
        {
            return null;
        }

        OpenGroup.RequireOurs(name, facts);
        string[] parts = [LvName.Records, LvName.ThinPool, LvName.Metadata];
        return (await group.ListCommittedAsync(cancellationToken)).FirstOrDefault(lv => lv.IsPublic && !parts.Contains(lv.Name)) is not LogicalVolume first
            ? group
            : throw new StorageException(
                first.Tags.IsOurs ? StorageErrorKind.Busy : StorageErrorKind.Conflict, $"{name}",
                $"holds '{LvName.Parse(first.Name)?.ToString() ?? first.Name}'{(first.Tags.IsOurs ? ": delete its volumes first" : ", which is not ours")}");
    }
}
