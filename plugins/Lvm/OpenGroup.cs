using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>A pool's volume group with all that opening it finds out.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Group">Its volume group.</param>
/// <param name="Facts">What LVM said of it then.</param>
/// <param name="Shape">How it was made.</param>
/// <param name="Records">Its records, opened.</param>
internal sealed record OpenGroup(PoolName Name, VolumeGroup Group, GroupFacts Facts, PoolShape Shape, RecordDisk Records)
{
    /// <summary>Takes the lock of a volume group's metadata, between processes and inside one.</summary>
    internal ValueTask<FileLock> LockAsync(string title, LvmOptions options, TimeProvider time, CancellationToken cancellationToken)
        => LockAsync(Group.Name, title, options, time, cancellationToken);

    /// <inheritdoc cref="LockAsync(string, LvmOptions, TimeProvider, CancellationToken)"/>
    internal static ValueTask<FileLock> LockAsync(string group, string title, LvmOptions options, TimeProvider time, CancellationToken cancellationToken)
        => FileLock.AcquireAsync(Path.Combine(options.RunDirectory, $"{group}.lock"), title, options.LockTimeout, time, cancellationToken);

    /// <summary>
    /// Opens a group that is there: activates what is inactive, makes nodes that nobody made, lets go on what a crash left
    /// suspended, finishes thin volumes half made, gives names back and takes snapshots away that one left half done. Nothing is formatted.
    /// </summary>
    /// <exception cref="StorageException">It is not there, not ours, or not finished.</exception>
    internal static async Task<OpenGroup> OpenAsync(
        PoolName name, LvmTools tools, LvmOptions options, PluginServices services, CancellationToken cancellationToken)
    {
        string groupName = options.GroupOf(name);
        using FileLock held = await LockAsync(groupName, $"open {name}", options, services.Time, cancellationToken);
        VolumeGroup group = await PoolDevices.FindGroupAsync(tools, groupName, services.Devices, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"no drive of this machine has the volume group {groupName}: make it with 'evestorage pool create {name}'");
        GroupFacts facts = await group.FindAsync(cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"the volume group {groupName} went while it was looked at");
        RequireOurs(name, facts);
        if (facts.Tags.Making is Guid operation)
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"is not finished: run or undo the operation {operation}");
        }

        PoolShape shape = PoolShape.Read(facts.Tags, groupName);
        await ActivateAsync(group, cancellationToken);
        await RollBackVolume.GiveNamesBackAsync(group, cancellationToken);
        await TakeSnapshots.RemoveUnfinishedAsync(group, services.Time, cancellationToken);
        string records = await tools.Mapper.RequireNodeAsync(group.DeviceOf(LvName.Records), group.Subject(LvName.Records), cancellationToken);
        return new(name, group, facts, shape, new(records, group.Subject(LvName.Records)));
    }

    /// <summary>Refuses a volume group that is not ours, or another pool's.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal static void RequireOurs(PoolName name, GroupFacts facts)
    {
        if (!facts.Tags.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"the volume group {facts.Name} is not ours: it stays as it is; choose another VolumeGroup");
        }

        if (facts.Tags["pool"] is string other && other != $"{name}")
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"the volume group {facts.Name} is the pool {other}: choose another VolumeGroup");
        }
    }

    /// <summary>Makes the devices of a group, and lets none of them wait.</summary>
    internal static async Task ActivateAsync(VolumeGroup group, CancellationToken cancellationToken)
    {
        await ActivateAllAsync(group, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await group.ListAsync(cancellationToken);
        await ResumeAsync(group, all, cancellationToken);
        if (await ThinTransaction.FinishAsync(group, all, cancellationToken))
        {
            await ActivateAllAsync(group, cancellationToken);
        }

        foreach (string device in DevicesOf(group, all).Where(device => DeviceMapper.Find(device) is not null))
        {
            await group.Tools.Mapper.RequireNodeAsync(device, device, cancellationToken);
        }
    }

    private static async Task ActivateAllAsync(VolumeGroup group, CancellationToken cancellationToken)
    {
        try
        {
            await group.ActivateAsync(cancellationToken);
        }
        catch (CommandException) when (DeviceMapper.Find(group.DeviceOf(LvName.Records)) is not null)
        {
            // A volume without redundancy on a drive that is missing stays away, and so does one that a crash left half made. The others are there.
        }
    }

    private static async Task ResumeAsync(VolumeGroup group, IReadOnlyList<LogicalVolume> all, CancellationToken cancellationToken)
    {
        HashSet<string> devices = DevicesOf(group, all);
        // LVM suspends a thin pool with its parts, and what is below goes on first: the longer name.
        HashSet<string> parts = all.Where(lv => !lv.IsPublic && devices.Any(device => group.DeviceOf(lv.Name).StartsWith($"{device}_", StringComparison.Ordinal)))
            .Select(lv => group.DeviceOf(lv.Name)).Append(group.ThinPoolDevice).ToHashSet(StringComparer.Ordinal);
        string[] suspended = [.. DeviceMapper.Suspended(parts).OrderByDescending(device => device.Length), .. DeviceMapper.Suspended(devices)];
        foreach (string device in suspended)
        {
            await group.Tools.Mapper.ResumeAsync(device, cancellationToken);
        }
    }

    private static HashSet<string> DevicesOf(VolumeGroup group, IReadOnlyList<LogicalVolume> all)
        => all.Where(lv => lv.Tags.IsOurs && lv.IsPublic).Select(lv => group.DeviceOf(lv.Name)).ToHashSet(StringComparer.Ordinal);
}
