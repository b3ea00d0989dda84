namespace EveStorage.Luks;

/// <summary>Opens what we encrypted. It never formats, whatever it finds.</summary>
internal sealed class OpenLuks(LuksDevice device) : StorageStep
{
    private bool _opened;

    public override string Title => $"open {device.Site.Subject} as {device.UpperPath}";

    public override StepEffect Expected { get; } = device.FindOpen() is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        LuksHeader header = device.RequireOurs();
        if (device.FindOpen() is not null)
        {
            return header.Mark!.Value.OutcomeFor(context);
        }

        if (header.Keys == 0)
        {
            throw device.Fail(StorageErrorKind.NotFound, $"{device.Site.LowerPath} has a header without keys: it was made unreadable, or encrypting it was cut short");
        }

        _opened = true;
        await device.OpenAsync(cancellationToken);
        return StepOutcome.Changed;
    }

    // An open device has no room for a mark. After a crash it is closed if this operation also encrypted it; else it stays open,
    // which changes nothing on it and is in nobody's way.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.FindOpenOfIt() is Mapping open && (_opened || (device.IsThere && device.FindHeader()?.Mark == context.Mark)))
        {
            await CloseLuks.CloseAsync(device, open, cancellationToken);
        }
    }
}
