using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>Mounts what we made. It never formats, and never mounts another's file system, whatever it finds.</summary>
internal sealed class MountFileSystem(FileSystemDevice device) : StorageStep
{
    private bool _mounted;

    public override string Title => $"mount {device.Site.Subject} at {device.Point}{(device.Options.ReadOnly ? " to read only" : "")}";

    public override StepEffect Expected { get; } = device.FindMounted() is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Superblock there = device.RequireWhole();
        if (device.FindMounted() is not null)
        {
            return there.IsOf(context.Request.Id, device.Site.Name) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        if (device.FindMounts() is [Mount elsewhere, ..])
        {
            throw device.Fail(StorageErrorKind.Conflict, $"is to be mounted at {device.Point} and is mounted at {elsewhere.Point}: unmount it there");
        }

        _mounted = true;
        await device.MountAsync();
        return StepOutcome.Changed;
    }

    // A mount has no room for a mark. After a crash it is undone if this operation also made the file system; else it stays, which
    // changes nothing on it.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.IsThere && device.FindMounted() is not null && (_mounted || device.Find()?.IsOf(context.Request.Id, device.Site.Name) == true))
        {
            await UnmountFileSystem.UnmountAsync(device, context.Time, cancellationToken);
        }
    }
}
