using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>
/// Makes a file system on what is empty. What somebody wrote is refused and keeps its bytes, so that this step never destroys.
/// It is whole once it has its own label, which it gets last.
/// </summary>
internal sealed class FormatFileSystem(FileSystemDevice device) : StorageStep
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    public override string Title => $"make {device.Format.Kind} on {device.Site.Subject}";

    public override StepEffect Expected { get; } = device.IsThere && device.FindOurs() is { IsWhole: true } ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Superblock? there = device.FindOurs();
        bool ours = there?.IsOf(context.Request.Id, device.Site.Name) == true;
        if (there is { IsWhole: true })
        {
            return ours ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        if (there is not null && !ours)
        {
            throw device.Fail(StorageErrorKind.Conflict, "holds a file system that another operation did not finish: nothing was touched");
        }

        device.RequireUnmounted();
        await RequireUnusedAsync(context.Time, cancellationToken);
        if (there is null)
        {
            await RequireEmptyAsync(cancellationToken);
        }

        if (device.LowerSize < device.Format.Least)
        {
            throw device.Fail(StorageErrorKind.InvalidConfiguration, $"has {device.LowerSize}, and {device.Format.Kind} needs {device.Format.Least}");
        }

        await device.WithNodeAsync(node => MakeAsync(node, Superblock.UuidOf(context.Request.Id, device.Site.Name), cancellationToken));
        return device.Find() is { IsWhole: true }
            ? StepOutcome.Changed
            : throw device.Fail(StorageErrorKind.Io, $"was given a file system {device.Format.Kind}, which is not seen there: look at the device");
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.IsThere && device.Find()?.IsOf(context.Request.Id, device.Site.Name) == true)
        {
            device.RequireUnmounted();
            device.WipeHead();
        }

        return ValueTask.CompletedTask;
    }

    private async Task MakeAsync(string node, Guid uuid, CancellationToken cancellationToken)
    {
        await device.Format.MakeAsync(node, uuid, Superblock.Unfinished, device.KeepsSpace, cancellationToken);
        Flush(node);
        await device.Format.LabelAsync(node, Superblock.Whole, cancellationToken);
        Flush(node);
    }

    // A host that was killed leaves its mkfs running. A device it can't have with another; a file it can.
    private async Task RequireUnusedAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (device.IsFile && device.FindNode() is string node)
        {
            if (time.GetElapsedTime(start) > s_patience)
            {
                throw device.Fail(StorageErrorKind.Busy, $"is used by way of {node}: {string.Join(", ", DevicePrograms.Of(node).DefaultIfEmpty("something in the kernel"))}");
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    private void Flush(string node)
    {
        using BlockFile opened = BlockFile.Open(node, writable: true, device.Site.Subject);
        opened.Flush();
    }

    private async Task RequireEmptyAsync(CancellationToken cancellationToken)
    {
        string[] found = [.. (await DeviceSignature.FindAsync(device.LowerPath, cancellationToken)).Select(signature => signature.Kind).Distinct()];
        if (found.Length > 0)
        {
            throw device.Fail(
                StorageErrorKind.Conflict, $"{device.Site.LowerPath} holds {string.Join(" and ", found)}: nothing was touched; wipe it yourself if nobody needs that");
        }
    }
}
