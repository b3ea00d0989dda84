namespace EveStorage.FileSystems;

/// <summary>Has nobody know the file system any more, before what lies below is deleted. Its files' bytes go with that.</summary>
internal sealed class EraseFileSystem(FileSystemDevice device) : StorageStep
{
    public override string Title => $"wipe {device.Format.Kind} of {device.Site.Subject}";

    // What is not there yet while this is planned may be there when it is applied.
    public override StepEffect Expected { get; } = device.IsThere && device.FindOurs() is null
        ? StepEffect.AlreadySo
        : StepEffect.Destroys($"all files of {device.Site.Subject}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (!device.IsThere || device.FindOurs() is null)
        {
            return new(StepOutcome.AlreadySo);
        }

        device.RequireUnmounted();
        device.WipeHead();
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => device.IsThere && device.FindOurs() is not null
            ? ValueTask.CompletedTask
            : throw device.Fail(StorageErrorKind.NeedsAttention, "was wiped, which can't be undone: run the operation again");
}
