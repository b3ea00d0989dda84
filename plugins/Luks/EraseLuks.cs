namespace EveStorage.Luks;

/// <summary>Destroys every key slot of what we encrypted, so that no key opens it any more, and takes its header away.</summary>
internal sealed class EraseLuks(LuksDevice device) : StorageStep
{
    public override string Title => $"make {device.Site.Subject} unreadable for good";

    // What is not there yet while this is planned may be there when it is applied.
    public override StepEffect Expected { get; } = device.IsThere && device.FindOurs() is null
        ? StepEffect.AlreadySo
        : StepEffect.Destroys($"all data of {device.Site.Subject}");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!device.IsThere || device.FindOurs() is null)
        {
            return StepOutcome.AlreadySo;
        }

        device.RequireClosed();
        await EraseAsync(device, cancellationToken);
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => device.IsThere && device.FindHeader() is { Keys: > 0 }
            ? ValueTask.CompletedTask
            : throw device.Fail(StorageErrorKind.NeedsAttention, "was made unreadable, which can't be undone: run the operation again");

    /// <summary>Does it. One that was cut short is finished by another call.</summary>
    internal static async Task EraseAsync(LuksDevice device, CancellationToken cancellationToken)
    {
        // cryptsetup overwrites the slots as their place on a drive needs it; what it can't read, zeros have to do for.
        if (device.FindHeader() is { IsWhole: true, Keys: > 0 })
        {
            await Cryptsetup.RunAsync(["luksErase", "--batch-mode", device.LowerPath], cancellationToken);
        }

        device.WipeHeader();
    }
}
