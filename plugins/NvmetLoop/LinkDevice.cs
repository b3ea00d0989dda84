using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Waits for a volume's device, and keeps a link to it under the volume's name.</summary>
internal sealed class LinkDevice(LocalDevices devices, ConfigfsMarks marks, NvmetNamespace served, string link, TimeSpan wait) : StorageStep
{
    private string? _before;

    public override string Title => $"nvmet-loop: link {link}";

    public override StepEffect Expected { get; } = IsSo(devices, served, link) ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsSo(devices, served, link))
        {
            return marks.Find(link) == context.Request.Id ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        string device = await LocalDevices.WaitForAsync(served, wait, cancellationToken);
        FileInfo there = new(link);
        if (there.Exists && there.LinkTarget is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, link, "is there and no link of ours: remove it");
        }

        foreach (string stale in devices.LinksTo(device).Where(other => other != link))
        {
            devices.Unlink(stale);   // the kernel gave its device's name to this one
            marks.Forget(stale);
        }

        devices.Remember(served.Id, link);
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
            devices.Forget(served.Id);
        }

        return default;
    }

    private static bool IsSo(LocalDevices devices, NvmetNamespace served, string link)
        => LocalDevices.Find(served) is string device && new FileInfo(link).LinkTarget == device && devices.FindLink(served.Id) == link;
}
