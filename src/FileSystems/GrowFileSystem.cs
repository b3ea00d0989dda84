using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>
/// Grows what is mounted into what lies below, which grew before. From then on there is no way back: a file system that is in use
/// does not shrink, and what lies below must not shrink under it.
/// </summary>
internal sealed class GrowFileSystem(FileSystemDevice device) : StorageStep
{
    private ByteSize? _before;

    public override string Title => $"grow {device.Format.Kind} of {device.Site.Subject} into its device";

    public override StepEffect Expected { get; } = StepEffect.Destroys("no data, but the way back: a file system does not shrink");

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        device.RequireWhole();
        if (device.FindMounted() is null || device.FindNode() is not string node || device.Point is not string point)
        {
            throw device.Fail(StorageErrorKind.NotSupported, "grows while it is mounted, and it is not: mount it first");
        }

        if (device.IsFile)
        {
            LoopDevice.TakeSize(node, device.Site.Subject);
        }

        ByteSize before = FileSystem.Of(point).Size;
        _before = before;
        await device.Format.GrowAsync(node, point, cancellationToken);
        return FileSystem.Of(point).Size == before ? StepOutcome.AlreadySo : StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        // What did not grow may have what lies below shrink to what that was. After a crash nobody knows: its superblock may be older.
        bool stayed = _before is ByteSize before && device.FindMounted() is Mount mounted && FileSystem.Of(mounted.Point).Size == before;
        return stayed
            ? ValueTask.CompletedTask
            : throw device.Fail(StorageErrorKind.NeedsAttention, "may have grown, which can't be undone: run the operation again");
    }
}
