namespace EveStorage.Zfs;

/// <summary>ZFS's own streams, which ZFS receives.</summary>
internal sealed partial class ZfsPool : IImageReceiver
{
    public IReadOnlySet<string> ReceivedFormats { get; } = new HashSet<string> { "zfs-stream" };

    public async ValueTask<Plan> PlanReceiveAsync(VolumeSpec spec, string format, IImageSource image, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        return !ReceivedFormats.Contains(format)
            ? throw new StorageException(StorageErrorKind.NotSupported, image.Name, $"is of the format {format}, and ZFS receives its own streams alone")
            : spec is { Form: VolumeForm.Block }
            ? Plan.Of(await ReceiveStream.PlanAsync(this, spec, image, cancellationToken))
            : throw new StorageException(StorageErrorKind.NotSupported, Subject(spec.Name), "is asked for as a file system, and streams of volumes alone are received");
    }
}
