using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Makes a pool's volume group of devices that hold nothing known. It carries the pool's marks from its first moment, one of
/// them that it is being made; the last step takes that one away.
/// </summary>
internal sealed class CreateVolumeGroup(PoolInMaking making, StepEffect expected) : StorageStep
{
    private readonly PoolRequest _request = making.Request;

    public override string Title { get; } = $"make the volume group {making.Request.Group} on {string.Join(", ", making.Request.Devices)}";

    public override StepEffect Expected => expected;

    /// <summary>The volume group as it was asked for; null when it is to be made.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours, or was made otherwise.</exception>
    internal static async Task<GroupFacts?> FindSameAsync(LvmTools tools, PoolRequest request, CancellationToken cancellationToken)
    {
        if (await PoolDevices.FindGroupAsync(tools, request.Group, request.Devices, cancellationToken) is not VolumeGroup group
            || await group.FindAsync(cancellationToken) is not GroupFacts facts)
        {
            return null;
        }

        OpenGroup.RequireOurs(request.Name, facts);
        PoolShape shape = PoolShape.Read(facts.Tags, request.Group);
        return shape.Provisioning == request.Shape.Provisioning && shape.Redundancy == request.Shape.Redundancy
            ? facts
            : throw new StorageException(
                StorageErrorKind.Conflict, $"{request.Name}", $"is there as {shape}, and not as {request.Shape}: declare it as it is, or delete it");
    }

    /// <summary>Refuses devices that can't be taken.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: one is in use or has something on it.</exception>
    /// <returns>The drives, each with the id of what an operation of ours left on it.</returns>
    internal static async Task<IReadOnlyList<(Drive Drive, string? Left)>> CheckDevicesAsync(
        LvmTools tools, PoolRequest request, bool mayBeAbsent, CancellationToken cancellationToken)
    {
        List<(Drive, string?)> checkedDevices = [];
        foreach (string device in request.Devices)
        {
            if (mayBeAbsent && FreeDevice.IsYetToCome(device))
            {
                continue;
            }

            Drive drive = FreeDevice.Require(device);
            checkedDevices.Add((drive, await FreeDevice.CheckAsync(tools, drive, device, cancellationToken)));
        }

        return checkedDevices.Select(c => c.Item1.Number).Distinct().Count() == checkedDevices.Count
            ? checkedDevices
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{request.Name}", "two of its devices are the same drive");
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        if (await FindSameAsync(making.Tools, _request, cancellationToken) is GroupFacts existing)
        {
            return existing.Tags.Mark!.Value.OutcomeFor(context);
        }

        IReadOnlyList<(Drive Drive, string? Left)> devices = await CheckDevicesAsync(making.Tools, _request, mayBeAbsent: false, cancellationToken);
        List<string> nodes = [.. devices.Select(device => PoolDevices.NodeOf(device.Drive))];
        foreach ((Drive drive, string? left) in devices)
        {
            await PhysicalDrive.MakeAsync(making.Tools, drive, left, context.Request.Id, cancellationToken);
        }

        string[] tags =
        [
            .. LvTags.New(context.Request.Id, context.IdOf(_request.Name)), LvTags.Tag("pool", _request.Name), LvTags.Tag("making", context.Request.Id),
            .. _request.Shape.Tags(),
        ];
        await making.Tools.RunAsync(
            "vgcreate", nodes,
            [
                "--physicalextentsize", $"{making.Options.ExtentSize.Bytes}b", "--setautoactivation", "n", .. MadeVolume.TagWords(tags), _request.Group, .. nodes,
            ],
            cancellationToken);
        foreach ((Drive drive, _) in devices)
        {
            await PhysicalDrive.NameAsync(making.Tools, nodes, drive, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync($"undo: {Title}", cancellationToken);
        if (await making.FindGroupAsync(cancellationToken) is VolumeGroup group && (await group.FindAsync(cancellationToken))?.Tags.Mark == context.Mark)
        {
            await group.RunAsync("vgremove", ["--yes", "--select", $"vg_name=\"{group.Name}\" && vg_tags=\"{LvTags.OperationTag(context.Request.Id)}\""], cancellationToken);
        }

        foreach (Drive drive in _request.Devices.Select(device => Drive.Find(device)).OfType<Drive>())
        {
            await PhysicalDrive.UnmakeAsync(making.Tools, drive, context.Request.Id, cancellationToken);
        }
    }
}
