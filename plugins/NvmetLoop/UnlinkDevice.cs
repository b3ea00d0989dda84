using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Takes the link of a volume away, whatever it leads to.</summary>
/// <param name="devices">The links.</param>
/// <param name="marks">Who made them.</param>
/// <param name="volume">The volume.</param>
/// <param name="served">How it is served; null when it is no more.</param>
/// <param name="link">Its link.</param>
/// <param name="wait">How long its device may take to come again.</param>
internal sealed class UnlinkDevice(LocalDevices devices, ConfigfsMarks marks, Guid volume, NvmetNamespace? served, string link, TimeSpan wait) : StorageStep
{
    private Guid? _removed;
    private bool _led;

    public override string Title => $"nvmet-loop: remove the link {link}";

    public override StepEffect Expected { get; } = IsSo(devices, volume, link) ? StepEffect.AlreadySo : StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsSo(devices, volume, link))
        {
            return new(_removed is null ? StepOutcome.AlreadySo : StepOutcome.Changed);
        }

        _removed = marks.Find(link) ?? Guid.Empty;
        _led = served is not null && LocalDevices.Find(served) is string device && new FileInfo(link).LinkTarget == device;
        devices.Unlink(link);
        marks.Forget(link);
        devices.Forget(volume);
        return new(StepOutcome.Changed);
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        // One that led to no device, or to another volume's, was of no use to anybody.
        if (_removed is Guid madeBy && _led && served is not null)
        {
            string device = await LocalDevices.WaitForAsync(served, wait, cancellationToken);
            devices.Remember(volume, link);
            marks.Make(link, madeBy, () =>
            {
                LocalDevices.Link(link, device);
                return true;
            });
        }
    }

    private static bool IsSo(LocalDevices devices, Guid volume, string link) => new FileInfo(link).LinkTarget is null && devices.FindLink(volume) is null;
}
