using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Waits for a volume's device, and keeps a link to it under the volume's name.</summary>
internal sealed class LinkDevice(LocalDevices devices, ConfigfsMarks marks, NvmetNamespace served, string link, TimeSpan wait) : StorageStep
{
    private string? _before;

    public override string Title => $"nvmet-loop: link {link}";

    public override StepEffect Expected { get; } = IsSo(served, link) ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsSo(served, link))
        {
            return marks.Find(link) == context.Request.Id ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        string device = await LocalDevices.WaitForAsync(served, wait, cancellationToken);
        FileInfo there = new(link);
        if (there.Exists && there.LinkTarget is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, link, "is there and no link of ours: remove it");
        }

        if (there.LinkTarget is string before)
        {
            _before = before;
            LocalDevices.Link(link, device);   // what it led to is not this volume any more
        }
        else
        {
            marks.Make(link, context.Request.Id, () =>
            {
                LocalDevices.Link(link, device);
                return true;
            });
        }

        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_before is not null)
        {
            LocalDevices.Link(link, _before);
        }
        else if (marks.Find(link) == context.Request.Id)
        {
            devices.Unlink(link);
            marks.Forget(link);
        }

        return default;
    }

    private static bool IsSo(NvmetNamespace served, string link)
        => LocalDevices.Find(served) is string device && new FileInfo(link).LinkTarget == device;
}

/// <summary>Refuses to go on while the kernel uses a volume's device or a partition of it: what is mounted there would lose its ground.</summary>
internal sealed class RequireUnused(NvmetNamespace served) : StorageStep
{
    public override string Title => $"nvmet-loop: see that nobody uses the device of number {served.Number} of {served.Subsystem}";

    public override StepEffect Expected => StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        => FabricsHost.FindDevice(served.Subsystem, served.Id) is string device && DriveUse.UsersOf(device) is [_, ..] users
            ? throw new StorageException(StorageErrorKind.Busy, device, $"is in use: {string.Join(", ", users)}; end that first")
            : new(StepOutcome.AlreadySo);

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => default;
}

/// <summary>Takes the link to a volume's device away.</summary>
internal sealed class UnlinkDevice(LocalDevices devices, ConfigfsMarks marks, NvmetNamespace served, string link, TimeSpan wait) : StorageStep
{
    private Guid? _removed;

    public override string Title => $"nvmet-loop: remove the link {link}";

    public override StepEffect Expected { get; } = Path.Exists(link) || new FileInfo(link).LinkTarget is not null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (new FileInfo(link).LinkTarget is null)
        {
            return new(_removed is null ? StepOutcome.AlreadySo : StepOutcome.Changed);
        }

        _removed = marks.Find(link) ?? Guid.Empty;
        devices.Unlink(link);
        marks.Forget(link);
        return new(StepOutcome.Changed);
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_removed is Guid madeBy)
        {
            string device = await LocalDevices.WaitForAsync(served, wait, cancellationToken);
            marks.Make(link, madeBy, () =>
            {
                LocalDevices.Link(link, device);
                return true;
            });
        }
    }
}
