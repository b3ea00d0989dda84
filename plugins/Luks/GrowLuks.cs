namespace EveStorage.Luks;

/// <summary>Grows what is open into what lies below. What is closed takes its size when it is opened.</summary>
internal sealed class GrowLuks(LuksDevice device) : StorageStep
{
    private ByteSize? _before;

    public override string Title => $"grow {device.UpperPath} into {device.Site.Subject}";

    // What lies below may grow by an earlier step of the same plan.
    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        device.RequireOurs();
        if (device.FindOpen() is not Mapping open)
        {
            return StepOutcome.AlreadySo;
        }

        ByteSize before = open.Size;
        _before = before;
        await ResizeAsync([], cancellationToken);
        return open.Size == before ? StepOutcome.AlreadySo : StepOutcome.Changed;
    }

    // After a crash nobody knows how large it was. It may stay: it is no larger than what lies below.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_before is ByteSize before && device.FindOpenOfIt() is Mapping open && open.Size != before)
        {
            await ResizeAsync(["--size", Cryptsetup.Text(before.Bytes / 512)], cancellationToken);
        }
    }

    private async Task ResizeAsync(IReadOnlyList<string> size, CancellationToken cancellationToken)
    {
        using KeyMaterial key = await device.FindKeyAsync(cancellationToken);
        await Cryptsetup.RunAsync(["resize", "--batch-mode", .. size, device.Site.Name], key, next: null, cancellationToken);
    }
}
