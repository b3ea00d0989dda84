using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>Closes what is open; its key leaves the kernel.</summary>
internal sealed class CloseLuks(LuksDevice device) : StorageStep
{
    private bool _closed;

    public override string Title => $"close {device.UpperPath} of {device.Site.Subject}";

    // What is not open while this is planned may be open when it is applied.
    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.FindOpen() is not Mapping open)
        {
            return StepOutcome.AlreadySo;
        }

        await CloseAsync(device, open, cancellationToken);
        _closed = true;
        return StepOutcome.Changed;
    }

    // After a crash nobody knows whether it was open, and closed is the safe state: what needs it opens it.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_closed && device.FindOpen() is null)
        {
            device.RequireOurs();
            await device.OpenAsync(cancellationToken);
        }
    }

    /// <summary>Closes it. cryptsetup tries for five seconds, for those that look at every device that comes and goes.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody uses it.</exception>
    internal static async Task CloseAsync(LuksDevice device, Mapping open, CancellationToken cancellationToken)
    {
        try
        {
            await Cryptsetup.RunAsync(["close", device.Site.Name], cancellationToken);
        }
        catch (CommandException e) when (e.ExitCode == Cryptsetup.Busy)
        {
            IReadOnlyList<string> users = open.Users();
            string who = users.Count > 0 ? string.Join(", ", users) : "something in the kernel, such as an export";
            throw new StorageException(StorageErrorKind.Busy, device.Site.Subject, $"{device.UpperPath} is in use: {who}", e);
        }
        catch (CommandException e) when (e.ExitCode == Cryptsetup.WrongDevice && Mapping.Find(device.Site.Name) is null)
        {
            // Somebody closed it before us.
        }
    }
}
