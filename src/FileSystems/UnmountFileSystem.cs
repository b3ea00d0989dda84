using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>Unmounts it, once nobody uses it.</summary>
internal sealed class UnmountFileSystem(FileSystemDevice device) : StorageStep
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);   // for what lets go of its device a moment later
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private bool _unmounted;

    public override string Title => $"unmount {device.Site.Subject}{(device.Point is string point ? $" from {point}" : "")}";

    // What is not mounted while this is planned may be when it is applied.
    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.FindMounted() is null)
        {
            device.RequireUnmounted();   // a person mounted it elsewhere, and has to end that
            return StepOutcome.AlreadySo;
        }

        await UnmountAsync(device, context.Time, cancellationToken);
        _unmounted = true;
        return StepOutcome.Changed;
    }

    // After a crash nobody knows whether it was mounted. The record says what is to be, and the next start mounts it.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_unmounted && device.FindMounted() is null)
        {
            device.RequireWhole();
            await device.MountAsync();
        }
    }

    /// <summary>Unmounts it from where it is to be, and waits until the device that was made of a file is gone: until then the file is in use.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody uses it.</exception>
    internal static async Task UnmountAsync(FileSystemDevice device, TimeProvider time, CancellationToken cancellationToken)
    {
        string point = device.Point!;
        long start = time.GetTimestamp();
        await MountUse.EndAsync(point, device.Site.Subject, time, cancellationToken);
        while (device.IsFile && device.FindNode() is string node)
        {
            if (time.GetElapsedTime(start) > s_patience)
            {
                throw device.Fail(StorageErrorKind.Busy, $"is unmounted from {point}, and something still uses {node}: {string.Join(", ", DevicePrograms.Of(node).DefaultIfEmpty("something in the kernel"))}");
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }
}
